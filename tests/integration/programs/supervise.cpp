// SPDX-License-Identifier: LGPL-2.1-or-later
// supervise secmap|seccomp: goes through everything that secmap::listener does, once with a listener of the module and
// once with the kernel's own. Prints "what result", a line each.
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <secmap/device.hpp>
#include <secmap/listener.hpp>
#include <secmap/policy.hpp>
#include <secmap/task.hpp>

namespace {

using secmap::descriptor;
using secmap::listener;
using secmap::listener_state;
using secmap::notification;
using secmap::result;

constexpr std::size_t wanted_offset = offsetof(seccomp_data, nr);

[[noreturn]] void fail(const std::string& why) {
    std::fprintf(stderr, "supervise: %s\n", why.c_str());
    _exit(1);
}

template <typename T>
T must(result<T> from) {
    if (!from) fail(from.error().message());
    return std::move(from).value();
}

// A number, "ok", or the name of an errno.
template <typename T>
std::string words(const result<T>& of) {
    if (!of) return strerrorname_np(of.error().number);
    if constexpr (std::is_void_v<T>)
        return "ok";
    else
        return std::to_string(*of);
}

void say(const char* what, const std::string& came) { std::printf("%s %s\n", what, came.c_str()); }

std::string words(const result<listener_state>& of) {
    if (!of) return strerrorname_np(of.error().number);
    switch (*of) {
        case listener_state::readable: return "readable";
        case listener_state::unused: return "unused";
        default: return "quiet";
    }
}

listener attach_to_secmap() {
    const auto device = must(secmap::device::open());
    secmap::policy_image image;
    image.name = "supervise";
    image.foreign_action = SECCOMP_RET_KILL_PROCESS;
    secmap::abi_section section;
    section.default_action = SECCOMP_RET_ALLOW;
    section.rules = {{SYS_getppid, SECCOMP_RET_USER_NOTIF, {}, ""}};
    image.sections = {section};
    return must(secmap::attach_with_listener(device, must(secmap::policy::create(device, image))));
}

listener attach_to_seccomp() {
    std::array<sock_filter, 4> code = {
        sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, wanted_offset),
        sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program = {code.size(), code.data()};
    const long file = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    if (file < 0) fail(std::strerror(errno));
    return must(listener::adopt(descriptor(static_cast<int>(file))));
}

// The one who asks: each byte that comes is a getppid() with a counter as argument; the result goes back. What is an 'r'
// reads from the descriptor that the last result is, instead.
[[noreturn]] void ask(std::string_view by, int socket) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("no_new_privs");
    if (const auto sent = (by == "secmap" ? attach_to_secmap() : attach_to_seccomp()).send_over(socket); !sent)
        fail(sent.error().message());
    long returned = 0;
    long count = 0;
    for (char order = 0; recv(socket, &order, 1, 0) == 1;) {
        char given = 0;
        if (order == 'r') {
            returned = read(static_cast<int>(returned), &given, 1) == 1 ? given : -1;
        } else {
            returned = syscall(SYS_getppid, ++count);
            if (returned < 0) returned = -errno;
        }
        if (send(socket, &returned, sizeof(returned), 0) != sizeof(returned)) break;
    }
    _exit(0);
}

class test final {
public:
    test(pid_t child, int socket, listener under) : child_(child), socket_(socket), under_(std::move(under)) {}

    void answers();
    void refusals();
    void descriptors();
    void endings();

private:
    void order(char what) const {
        if (send(socket_, &what, 1, 0) != 1) fail("send");
    }
    [[nodiscard]] std::string returned() const {
        long number = 0;
        if (recv(socket_, &number, sizeof(number), 0) != sizeof(number)) fail("the child says nothing");
        return std::to_string(number);
    }
    notification asked() const {
        order('c');
        if (words(under_.wait()) != "readable") fail("nothing to receive");
        return must(under_.receive());
    }

    pid_t child_;
    int socket_;
    listener under_;
};

void test::answers() {
    say("wait_quiet", words(under_.wait(std::chrono::milliseconds(0))));
    const auto first = asked();
    say("pid", first.pid == child_ ? "same" : "other");
    say("call", std::to_string(first.call.nr) + " " + std::to_string(first.call.args[0]));
    say("valid", words(under_.is_valid(first.id)));
    say("respond_value", words(under_.respond_value(first.id, std::int64_t{1} << 40)));
    say("returned", returned());
    say("valid_after", words(under_.is_valid(first.id)));
    say("respond_again", words(under_.respond_value(first.id, 1)));
    say("respond_errno", words(under_.respond_errno(asked().id, EXDEV)));
    say("returned", returned());
    say("respond_continue", words(under_.respond_continue(asked().id)));
    say("returned", returned() == std::to_string(getpid()) ? "parent" : "other");
}

void test::refusals() {
    const auto waiting = asked();
    say("errno_0", words(under_.respond_errno(waiting.id, 0)));
    say("errno_4096", words(under_.respond_errno(waiting.id, 4096)));
    say("unknown_value", words(under_.respond_value(waiting.id + 1000, 1)));
    say("unknown_continue", words(under_.respond_continue(waiting.id + 1000)));
    say("unknown_valid", words(under_.is_valid(waiting.id + 1000)));
    say("unknown_fd", words(under_.add_fd(waiting.id + 1000, 0, 0)));
    say("bad_fd", words(under_.add_fd(waiting.id, -1, 0)));
    say("bad_fd_flags", words(under_.add_fd(waiting.id, 0, O_APPEND)));
    say("respond_errno", words(under_.respond_errno(waiting.id, 4095)));
    say("returned", returned());
}

void test::descriptors() {
    std::array<int, 2> ends = {};
    if (pipe2(ends.data(), O_CLOEXEC) != 0 || write(ends[1], "abc", 3) != 3) fail("pipe");
    const auto first = asked();
    const auto added = under_.add_fd(first.id, ends[0], O_CLOEXEC);
    say("add_fd", added ? "ok" : words(added));
    say("respond_value", words(under_.respond_value(first.id, added ? *added : -1)));
    say("same", returned() == words(added) ? "same" : "other");
    order('r');
    say("read", returned());
    const auto second = asked();
    const auto sent = under_.respond_fd(second.id, ends[0], 0);
    say("respond_fd", sent ? "ok" : words(sent));
    say("same", returned() == words(sent) && words(sent) != words(added) ? "same" : "other");
    order('r');
    say("read", returned());
    const auto third = asked();
    say("add_fd_as", words(under_.add_fd_as(third.id, ends[0], 77, 0)));
    say("respond_value", words(under_.respond_value(third.id, 0)));
    say("returned", returned());
}

void test::endings() {
    const auto waiting = asked();
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    say("killed_valid", words(under_.is_valid(waiting.id)));
    say("killed_value", words(under_.respond_value(waiting.id, 1)));
    say("killed_fd", words(under_.respond_fd(waiting.id, 0, 0)));
    say("wait_unused", words(under_.wait()));
    say("wait_unused_bounded", words(under_.wait(std::chrono::hours(1))));
}

void no_listeners() {
    const listener none = must(listener::adopt(descriptor(open("/dev/null", O_RDWR | O_CLOEXEC))));
    say("null_receive", none.receive().ok() ? "ok" : strerrorname_np(none.receive().error().number));
    say("null_value", words(none.respond_value(1, 1)));
    say("null_valid", words(none.is_valid(1)));
    std::array<int, 2> pair = {};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) fail("socketpair");
    if (send(pair[1], "x", 1, 0) != 1) fail("send");
    say("take_letter", strerrorname_np(listener::take_from(pair[0]).error().number));
    close(pair[1]);
    say("take_from_nobody", strerrorname_np(listener::take_from(pair[0]).error().number));
    say("send_to_nobody", words(none.send_over(pair[0])));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 2) return 2;
    std::array<int, 2> pair = {};
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) fail("socketpair");
    const pid_t child = fork();
    if (child == 0) {
        close(pair[0]);
        prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        ask(argv[1], pair[1]);
    }
    close(pair[1]);
    test all(child, pair[0], must(listener::take_from(pair[0])));
    all.answers();
    all.refusals();
    all.descriptors();
    all.endings();
    no_listeners();
    return 0;
}
