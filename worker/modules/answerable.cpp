#include "worker/modules/answerable.h"

#include <utility>

namespace holdfast::modules {
namespace {

class AnswerableWork final : public api::Work {
 public:
  AnswerableWork(std::unique_ptr<api::Work> work, stats::Activity& activity)
      : work_(std::move(work)), activity_(activity) {
    note_.show(activity.work);
  }

  void run() noexcept override {
    stats::work_of_thread = &note_;
    work_->run();
    stats::work_of_thread = nullptr;
  }
  void done() override {
    activity_.work.show(note_);
    work_->done();
  }

 private:
  const std::unique_ptr<api::Work> work_;
  stats::Activity& activity_;
  stats::WorkNote note_;
};

class AnswerableCall final : public api::OutgoingCall, private api::CallListener {
 public:
  AnswerableCall(api::HttpClient& client, const api::OutgoingRequest& request, api::CallListener& listener,
                 stats::Activity& activity)
      : listener_(listener), activity_(activity) {
    note_.show(activity.work);
    call_ = client.start(request, *this);
  }
  void grant(std::size_t bytes) override { call_->grant(bytes); }

 private:
  // Each may destroy this.
  void on_head(std::uint16_t status, std::span<const api::Field> fields) override {
    activity_.work.show(note_);
    listener_.on_head(status, fields);
  }
  void on_body(std::span<const std::byte> bytes) override {
    activity_.work.show(note_);
    listener_.on_body(bytes);
  }
  void on_end() override {
    activity_.work.show(note_);
    listener_.on_end();
  }
  void on_failure(const api::CallError& error) override {
    activity_.work.show(note_);
    listener_.on_failure(error);
  }

  api::CallListener& listener_;
  stats::Activity& activity_;
  stats::WorkNote note_;
  std::unique_ptr<api::OutgoingCall> call_;
};

}  // namespace

bool AnswerablePool::submit(std::unique_ptr<api::Work> work) {
  return pool_.submit(std::make_unique<AnswerableWork>(std::move(work), activity_));
}

std::unique_ptr<api::OutgoingCall> AnswerableClient::start(const api::OutgoingRequest& request,
                                                           api::CallListener& listener) {
  return std::make_unique<AnswerableCall>(client_, request, listener, activity_);
}

}  // namespace holdfast::modules
