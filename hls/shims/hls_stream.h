// SPDX-FileCopyrightText: 2026 The lutforge authors
// SPDX-License-Identifier: Apache-2.0
// hls::stream for the C simulation: an unbounded queue whose reader never waits. A read from an empty
// stream is an error, because nothing else can run that would fill it. Not for the vendor's tools.
#ifndef LUTFORGE_SHIM_HLS_STREAM_H
#define LUTFORGE_SHIM_HLS_STREAM_H

#include <stdexcept>
#include <string>
#include <vector>

namespace hls {

template <typename T>
class stream {
public:
    stream() : name_("unnamed"), head_(0) {}
    explicit stream(const char* name) : name_(name), head_(0) {}
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    bool empty() const { return head_ == items_.size(); }
    size_t size() const { return items_.size() - head_; }

    void write(const T& item) { items_.push_back(item); }

    T read() {
        if (empty()) {
            throw std::runtime_error("stream " + name_ + " ends early: beat " + std::to_string(head_ + 1) +
                                     " was read, which never came");
        }
        return items_[head_++];
    }

    // The beat that the index-th read from now will return; it stays where it is.
    const T& peek(size_t index) const { return items_[head_ + index]; }

private:
    std::string name_;
    std::vector<T> items_;
    size_t head_;
};

}  // namespace hls

#endif
