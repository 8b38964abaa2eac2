// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace immudb {

// How many items may wait.
struct FairQueueLimits {
  size_t member;
  size_t group;
  size_t total;
};

// A bounded queue whose items belong to a member of a group. Groups take turns, and so do the
// members of a group: many items of one member delay only that member. When the queue is full, the
// member that holds most loses its newest item to members that hold less. Operations search the
// items, so it is for some hundred. Not thread-safe.
template <typename Item>
class FairQueue {
 public:
  explicit FairQueue(const FairQueueLimits& limits) : limits_(limits) {}

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }

  // Queues the item. Returns the item that has no room: this one, another or none. If an allocation
  // fails, the queue is unchanged.
  std::optional<Item> Push(std::string_view group_name, std::string_view member_name, Item item) {
    Group& group = Named(groups_, group_name);
    Member& member = Named(group.members, member_name);
    if (member.size() >= limits_.member) return item;
    member.items.push_back(std::move(item));
    ++group.count;
    ++size_;
    if (group.count > limits_.group) return TakeNewest(group, Largest(group.members, &member));
    if (size_ <= limits_.total) return std::nullopt;
    Group& largest = Largest(groups_, &group);
    return TakeNewest(largest, Largest(largest.members, &largest == &group ? &member : nullptr));
  }

  // The oldest item of the member whose turn it is.
  std::optional<Item> Pop() {
    while (!groups_.empty()) {
      Group& group = groups_.front();
      std::optional<Item> item;
      while (!item && !group.members.empty()) {
        Member& member = group.members.front();
        if (!member.items.empty()) {
          item = std::move(member.items.front());
          member.items.pop_front();
          --group.count;
          --size_;
        }
        PassTurn(group.members);
      }
      PassTurn(groups_);
      if (item) return item;
    }
    return std::nullopt;
  }

 private:
  struct Member {
    std::string name;
    std::deque<Item> items = {};
    size_t size() const { return items.size(); }
  };
  struct Group {
    std::string name;
    std::list<Member> members = {};
    size_t count = 0;
    size_t size() const { return count; }
  };

  template <typename T>
  static T& Named(std::list<T>& all, std::string_view name) {
    const auto found = std::ranges::find(all, name, &T::name);
    return found != all.end() ? *found : all.emplace_back(T{std::string(name)});
  }

  // The member that holds most; of equals the newcomer, else the member whose turn comes last.
  template <typename T>
  static T& Largest(std::list<T>& all, T* newcomer) {
    T* largest = &all.front();
    for (T& one : all) {
      if (one.size() >= largest->size()) largest = &one;
    }
    return newcomer != nullptr && newcomer->size() == largest->size() ? *newcomer : *largest;
  }

  Item TakeNewest(Group& group, Member& member) {
    Item item = std::move(member.items.back());
    member.items.pop_back();
    --group.count;
    --size_;
    return item;
  }

  // Moves the first of `all` to the end, or removes it if it is empty.
  template <typename T>
  static void PassTurn(std::list<T>& all) {
    if (all.front().size() == 0) {
      all.pop_front();
    } else {
      all.splice(all.end(), all, all.begin());
    }
  }

  const FairQueueLimits limits_;
  size_t size_ = 0;
  std::list<Group> groups_;  // in turn
};

}  // namespace immudb
