// SPDX-License-Identifier: LGPL-2.1-or-later
#include <secmap/device.hpp>

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "ioctl.hpp"

namespace secmap {

namespace {

error cannot_open(const std::filesystem::path& path, int number) {
    error failure{number, "open " + path.string(), std::strerror(number), ""};
    switch (number) {
        case ENOENT:
        case ENODEV:
        case ENXIO:
            failure.text = "there is no such device: the module is not loaded";
            failure.hint = "as root: modprobe secmap";
            break;
        case EACCES:
        case EPERM:
            failure.text = "this user may not open it";
            failure.hint = "its owner and mode come from a udev rule: see secmap(4)";
            break;
        default: break;
    }
    return failure;
}

result<device_info> ask(int number) {
    auto record = detail::make_record<secmap_info>();
    auto done = detail::call(number, SECMAP_IOC_INFO, &record, "ask the module what it can do");
    if (!done) return std::move(done).error();
    device_info info;
    info.abi_version = record.out_abi_version;
    info.errata = record.out_errata;
    info.features = record.out_features;
    info.actions = record.out_actions;
    info.enosys_actions = record.out_enosys_actions;
    info.skipping = static_cast<call_skipping>(record.out_skip);
    info.stack_max = record.out_stack_max;
    info.rules_max = record.out_rules_max;
    info.conditions_max = record.out_conds_max;
    info.cost_max = record.out_cost_max;
    info.stack_cost_max = record.out_stack_cost_max;
    info.tables_max = record.out_tables_max;
    info.bitmap_max = record.out_bitmap_max;
    info.hash_max = record.out_hash_max;
    info.test_max = record.out_test_max;
    info.objects_max = record.out_objects_max;
    info.instructions_max = record.out_insns_max;
    info.stack_instructions_max = record.out_stack_insns_max;
    info.ebpf = static_cast<ebpf_loading>(record.out_ebpf);
    info.selective = static_cast<selective_flag>(record.out_selective);
    return info;
}

}  // namespace

result<device> device::open(const std::filesystem::path& path) {
    const int number = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    if (number < 0) return cannot_open(path, errno);
    descriptor file(number);
    auto info = ask(file.number());
    if (!info) {
        error failure = std::move(info).error();
        if (failure.number == ENOTTY)
            return error{ENOTTY, "open " + path.string(), "it is not the device of secmap",
                         "the device is " SECMAP_DEVICE};
        return failure;
    }
    if (info->abi_version != SECMAP_ABI_VERSION)
        return error{EOPNOTSUPP, "open " + path.string(),
                     "the module speaks version " + std::to_string(info->abi_version) +
                         " of the ABI, this library version " + std::to_string(SECMAP_ABI_VERSION),
                     "install the module and secmapctl from the same release"};
    return device(std::move(file));
}

result<device_info> device::info() const { return ask(file_.number()); }

}  // namespace secmap
