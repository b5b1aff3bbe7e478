#include "proxy/pipeline/exchange.h"

namespace headgate::proxy {
namespace {

using providers::ErrorCode;

constexpr std::size_t kFirstRoom = std::size_t{16} << 10;
constexpr std::size_t kMostRoom = std::size_t{1} << 20;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace

/// Takes from `bytes` what belongs to the body; what is left is the next request's.
void Exchange::take_body(Bytes& bytes) {
    while (!bytes.empty() && body_reader_.state() == BodyReader::State::more) {
        const Bytes data = body_reader_.next(bytes);
        if (is_body_too_large_ || body_.size() + data.size() > snapshot_.protect.json_limit()) {
            is_body_too_large_ = true;
        } else {
            body_.append(data);
        }
    }
}

/// The rest of the body, into memory. False: error_ says why, or the client has gone.
Task<bool> Exchange::read_body() {
    const std::string limit = std::to_string(snapshot_.protect.json_limit());
    const auto too_large = [&] {
        return refuse(ErrorCode::request_too_large,
                      "The request body is larger than " + limit + " bytes.");
    };
    if (is_body_too_large_) {
        co_return too_large();
    }
    if (facts_.expects_continue && body_reader_.state() == BodyReader::State::more &&
        body_.empty()) {
        if (!co_await client_.send({{kContinue}}, until(snapshot_.protect.body_idle_timeout))) {
            co_return false;
        }
    }
    while (body_reader_.state() == BodyReader::State::more) {
        const Wake wake = co_await client_.flow().wait({&client_.socket(), kReadable},
                                                       until(snapshot_.protect.body_idle_timeout));
        if (wake == Wake::deadline) {
            co_return refuse(ErrorCode::request_timeout, "The request body did not come in time.");
        }
        if (wake == Wake::stopped || !read_body_step()) {
            co_return false;
        }
        if (is_body_too_large_) {
            co_return too_large();
        }
    }
    if (body_reader_.state() == BodyReader::State::malformed) {
        co_return refuse(ErrorCode::invalid_request, "The chunked request body is malformed: " +
                                                         std::string{body_reader_.problem()} + ".");
    }
    co_return true;
}

/// One read. False when the client has gone.
bool Exchange::read_body_step() {
    IoResult got;
    if (const auto left = body_reader_.left()) {
        // The length is known: straight into its place, a memory-bounded step at a time.
        const std::size_t step =
            std::min<std::uint64_t>(*left, std::max(kFirstRoom, std::min(body_.size(), kMostRoom)));
        char* room = body_.room(step);
        got = client_.read_some(room, step);
        Bytes bytes{room, got.bytes};
        body_reader_.next(bytes);
        body_.added(got.bytes);
    } else {
        char* scratch = worker_.scratch().read.data();
        got = client_.read_some(scratch, Scratch::kRead);
        Bytes bytes{scratch, got.bytes};
        take_body(bytes);
        client_.keep_for_later(bytes);
    }
    return got.status == IoStatus::done || got.status == IoStatus::would_block;
}

/// What is asked of the request after its body was given back. A text that is too long for its
/// place is none that we know.
void Exchange::keep_texts() {
    const auto keep = [](auto& kept, std::string_view& text) {
        kept.assign(text);
        text = kept.view();
    };
    keep(model_, request_.model);
    keep(service_tier_, request_.service_tier);
    keep(picture_size_, request_.picture.size);
    keep(picture_quality_, request_.picture.quality);
    keep(picture_format_, request_.picture.format);
    request_.user = {};
}

/// Step 4.
bool Exchange::understand() {
    auto understood = providers::understand(*facts_.where.endpoint, body_.view());
    if (!understood) {
        error_ = std::move(understood.error());
        return false;
    }
    body_bytes_ = body_.size();
    request_ = std::move(*understood);
    keep_texts();
    row_.stream = request_.stream;
    row_.requested_model = request_.model;
    return true;
}

}  // namespace headgate::proxy
