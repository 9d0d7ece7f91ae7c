// The numbers of metrics stand in the memory that one binary leaves to the next: a new one comes last, and none
// goes, or counts would turn into others in an upgrade. Where that cannot be, the layout has another version.
#include <gtest/gtest.h>

#include <array>
#include <string_view>

#include "common/stats/metric_table.h"

namespace holdfast::stats {
namespace {

constexpr std::array<std::string_view, 41> kInOrder{"holdfast_build_info",
                                                    "holdfast_start_time_seconds",
                                                    "holdfast_generation",
                                                    "holdfast_config_reloads_total",
                                                    "holdfast_config_last_reload_successful",
                                                    "holdfast_config_last_reload_success_timestamp_seconds",
                                                    "holdfast_binary_upgrades_total",
                                                    "holdfast_workers",
                                                    "holdfast_workers_wanted",
                                                    "holdfast_worker_exits_total",
                                                    "holdfast_worker_requests_total",
                                                    "holdfast_worker_connections",
                                                    "holdfast_worker_connections_accepted_total",
                                                    "holdfast_event_loop_busy_seconds_total",
                                                    "holdfast_event_loop_lag_seconds",
                                                    "holdfast_connections_accepted_total",
                                                    "holdfast_connections",
                                                    "holdfast_connections_refused_total",
                                                    "holdfast_connections_reset_total",
                                                    "holdfast_http_requests_total",
                                                    "holdfast_http_request_duration_seconds",
                                                    "holdfast_http_request_bytes_total",
                                                    "holdfast_http_response_bytes_total",
                                                    "holdfast_http_bad_requests_total",
                                                    "holdfast_http_rate_limited_total",
                                                    "holdfast_compression_bytes_total",
                                                    "holdfast_file_cache_requests_total",
                                                    "holdfast_file_cache_entries",
                                                    "holdfast_file_cache_bytes",
                                                    "holdfast_tls_handshakes_total",
                                                    "holdfast_tls_handshake_failures_total",
                                                    "holdfast_tls_certificate_expiry_timestamp_seconds",
                                                    "holdfast_tls_certificate_changes_total",
                                                    "holdfast_http2_abuses_total",
                                                    "holdfast_websocket_connections",
                                                    "holdfast_websocket_messages_total",
                                                    "holdfast_chat_clients",
                                                    "holdfast_chat_messages_total",
                                                    "holdfast_route_fused",
                                                    "holdfast_log_lines_dropped_total",
                                                    "holdfast_connections_limit"};

TEST(MetricNumbers, StayWhatTheyAre) {
  ASSERT_GE(kMetrics.size(), kInOrder.size());
  for (std::size_t i = 0; i < kInOrder.size(); ++i) EXPECT_EQ(kMetrics[i].name, kInOrder[i]) << i;
  EXPECT_EQ(kMetrics.size(), kInOrder.size()) << "a new metric, the last one, has its place in the list above";
}

}  // namespace
}  // namespace holdfast::stats
