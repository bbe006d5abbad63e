# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Recipes as TOML files: tables and keys fill dataclasses of the same names, and nothing else is accepted."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields, is_dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Dict, List, Type, TypeVar, Union, get_args, get_origin, get_type_hints

import tomllib

from lutforge.errors import TrainingError

Plan = TypeVar("Plan")


def shipped_recipes() -> List[str]:
    """Return the names of the recipes that come with the package."""
    entries = (files("lutforge.training") / "recipes").iterdir()
    return sorted(entry.name[: -len(".toml")] for entry in entries if entry.name.endswith(".toml"))


def recipe_text(name: str) -> str:
    """Return the text of a recipe: one of the shipped ones by name, or a file that ends with .toml."""
    if name.endswith(".toml"):
        try:
            return Path(name).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(f"recipe {name}: cannot be read ({type(error).__name__}: {error})") from error
    known = shipped_recipes()
    if name not in known:
        raise TrainingError(
            f"recipe {name!r} is unknown; use one of {', '.join(known)}, or a file that ends with .toml"
        )
    return (files("lutforge.training") / "recipes" / f"{name}.toml").read_text(encoding="utf-8")


def parsed(name: str, text: str) -> Dict[str, Any]:
    """Return the tables of a recipe's text."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TrainingError(f"recipe {name}: not TOML ({error})") from error


def filled(kind: Type[Plan], values: Any, where: str) -> Plan:
    """Return a dataclass from a table of a recipe; TrainingError names a wrong key or value, and the right ones."""
    if not isinstance(values, dict):
        raise TrainingError(f"{where}: a table of {', '.join(_names(kind))} is wanted, not {values!r}")
    hints, known = get_type_hints(kind), _names(kind)
    for key in values:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise TrainingError(f"{where}: {key!r} is no key of it; {hint}")
    given = {key: _value(hints[key], value, f"{where}, {key}") for key, value in values.items()}
    missing = [each.name for each in _fields(kind) if _wanted(each) and each.name not in given]
    if missing:
        raise TrainingError(f"{where}: {', '.join(missing)} must be given")
    return kind(**given)


def _value(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint) and isinstance(hint, type):
        return filled(hint, value, where)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Union:
        for part in parts:
            try:
                return _value(part, value, where)
            except TrainingError:
                continue
    elif origin is tuple:
        of_each = parts[0] if len(parts) == 2 and parts[1] is Ellipsis else None
        if isinstance(value, list) and (of_each is not None or len(value) == len(parts)):
            hints = [of_each] * len(value) if of_each is not None else parts
            return tuple(_value(part, each, where) for part, each in zip(hints, value, strict=True))
    elif hint is float and type(value) in (int, float):
        return float(value)
    elif type(value) is hint:
        return value
    raise TrainingError(f"{where}: {value!r} given; {_spelt(hint)} is wanted")


def _spelt(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Union:
        return " or ".join(_spelt(part) for part in parts)
    if origin is tuple:
        several = len(parts) == 2 and parts[1] is Ellipsis
        return f"a list of {_spelt(parts[0])}" if several else f"a list of {len(parts)} times {_spelt(parts[0])}"
    return {int: "a whole number", float: "a number", str: "a word in quotes", bool: "true or false"}.get(
        hint, str(hint)
    )


def _fields(kind: Any) -> List[Field[Any]]:
    return list(fields(kind))


def _names(kind: Any) -> List[str]:
    return [each.name for each in _fields(kind)]


def _wanted(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING
