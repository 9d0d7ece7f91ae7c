#include "worker/loop/thread_pool.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "worker/loop/signals_blocked.h"

namespace holdfast::loop {

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// Threads that cannot be had are done without, as long as there is one.
bool ThreadPool::start() {
  if (!wake_) {
    wake_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_) return false;
    if (!watch_.start(loop_, wake_.get(), EPOLLIN, *this)) {
      wake_.reset();
      return false;
    }
  }
  const SignalsBlocked blocked;
  try {
    while (threads_.size() < limits_.threads) threads_.emplace_back([this] { serve(); });
  } catch (const std::system_error&) {
    return !threads_.empty();
  }
  return true;
}

bool ThreadPool::submit(std::unique_ptr<api::Work> work) {
  if (threads_.empty() && !start()) return false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= limits_.waiting) return false;
    waiting_.push_back(std::move(work));
  }
  more_.notify_one();
  return true;
}

void ThreadPool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    if (ending_) return;
    std::unique_ptr<api::Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work->run();
    lock.lock();
    finished_.push_back(std::move(work));
    if (finished_.size() > 1) continue;  // the loop has been woken for the first
    constexpr std::uint64_t kOne = 1;
    (void)!write(wake_.get(), &kOne, sizeof kOne);
  }
}

void ThreadPool::on_ready(std::uint32_t /*events*/) {
  std::uint64_t count;
  (void)!read(wake_.get(), &count, sizeof count);
  std::vector<std::unique_ptr<api::Work>> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (const std::unique_ptr<api::Work>& work : finished) work->done();
}

}  // namespace holdfast::loop
