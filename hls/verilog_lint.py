# SPDX-FileCopyrightText: 2026 The lutforge authors
# SPDX-License-Identifier: Apache-2.0
"""Parse and elaborate Verilog with slang, a pip package: whatever it finds of severity warning or worse is an error."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from lutforge.errors import GenerationError, ToolError

PYSLANG_WANTED = "pyslang>=12"


def lint(texts: Mapping[str, str], top: Optional[str] = None, defines: Sequence[str] = ()) -> None:
    """Raise GenerationError with slang's words if it finds fault with Verilog texts, by path.

    top: the module to elaborate, default every one that no other uses. Paths that do not end in .v are left out.
    """
    pyslang = _import_pyslang()
    manager = pyslang.SourceManager()
    compilation = _compile(pyslang, manager, texts, top, defines)
    engine = pyslang.DiagnosticEngine(manager)
    engine.setWarningOptions(["none", "default"])
    severities = pyslang.DiagnosticSeverity
    wrong = [
        diagnostic
        for diagnostic in compilation.getAllDiagnostics()
        if engine.getSeverity(diagnostic.code, diagnostic.location)
        in (severities.Warning, severities.Error, severities.Fatal)
    ]
    if wrong:
        words = pyslang.DiagnosticEngine.reportAll(manager, wrong[:5]).strip()
        raise GenerationError(f"slang finds fault with {top or 'the Verilog'}, {len(wrong)} in all:\n{words}")


def _import_pyslang() -> Any:
    try:
        import pyslang
        import pyslang.ast
        import pyslang.parsing
        import pyslang.syntax
    except ImportError as error:
        raise ToolError(
            f"pyslang cannot be imported ({error}); {PYSLANG_WANTED} is wanted to lint Verilog: "
            "pip install 'lutforge[synth]'. Generation and simulation work without it"
        ) from error
    return pyslang


def _compile(pyslang: Any, manager: Any, texts: Mapping[str, str], top: Optional[str], defines: Sequence[str]) -> Any:
    preprocessor = pyslang.parsing.PreprocessorOptions()
    preprocessor.predefines = [f"{name}=1" for name in defines]
    preprocessor.languageVersion = pyslang.LanguageVersion.v1364_2005
    options = pyslang.ast.CompilationOptions()
    options.languageVersion = pyslang.LanguageVersion.v1364_2005
    if top:
        options.topModules = {top}
    bag = pyslang.Bag([preprocessor, options])
    compilation = pyslang.ast.Compilation(bag)
    for path, text in sorted(texts.items()):
        if path.endswith(".v"):
            compilation.addSyntaxTree(pyslang.syntax.SyntaxTree.fromText(text, manager, path, path, bag))
    return compilation
