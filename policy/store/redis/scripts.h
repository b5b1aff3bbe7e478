#pragma once

#include <string>
#include <string_view>

namespace headgate::policy {

// What Redis runs. Lua 5.1 with struct and cmsgpack, as Redis since 6.2 and Valkey have it; the
// effects are replicated. All keys of one call carry one hash tag, so that they share a slot:
//
//   {tag}:limits           hash, the counters of all processes. Numbers are packed doubles ('<d'),
//                          exact to 2^53.
//     b<bucket>            used, at (ms of the server's clock): policy/limits/bucket.h
//     m<scope>/<day>       spent, reserved (nanodollars); the scope is a project's id, or empty:
//     the
//                          organization; the day counts from 1970
//     c<instance>|m…       what of `spent` came from that instance: base, told, dead, other
//                          (contribute() in script_parts.cpp)
//     x<scope>             the sum of m… over a budget's span: first day, day after the last,
//                          spent, reserved. Made by the first admission that asks, kept up to date.
//     f<scope>             the first and the last day that m… has
//     l<instance>          the lives of that instance: the present one, and up to 7 before it
//     e                    the epoch: its number, when it began, processes to wait for, ready or
//                          not. Without it Redis is empty, or has lost its data.
//     r                    while not ready: who has reported in this epoch (MessagePack)
//     p<instance>          while it reports: which report, and how many slices of it came
//     g                    where tidying goes on
//   {tag}:held:<instance>:<life>  hash, what that life of the instance holds
//     h<worker>|m…         reserved by that worker; what it has booked in this life
//     s<worker>|b…         slots of `concurrent` that it holds
//     w<worker>            its latest call: number, the number that the reply is of, the epoch that
//                          it told its holdings in; then that reply
//     _                    makes the hash a table rather than a list, which is slow to search
//     g, -                 where dissolving it goes on; that another life has followed
//   {tag}:leases           sorted set: "<instance>:<life>" by the end of the lease, until dissolved
//   {tag}:seen             sorted set: instances by when they were last seen, for a day
//
// The sum of what all workers hold (h…) is the `reserved` of m…; the same holds for s… and b….

/// Settles, then admissions, of one worker. ARGV[1]: see ShardCall::payload().
const std::string& limits_script();
/// What an instance knows of spent money. ARGV[1]: see report_payloads().
const std::string& report_script();
/// Renews a lease, and dissolves what ended leases held.
const std::string& heartbeat_script();

/// What a script is called by: 40 hex digits.
std::string sha1_hex(std::string_view text);

}  // namespace headgate::policy
