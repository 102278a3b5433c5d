# SPDX-License-Identifier: LGPL-2.1-or-later
"""One guest: QEMU started, its ports read, its end awaited."""

import contextlib
import ctypes
import os
import queue
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import initramfs
import log
from kernel import DEBUG, Kernel

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

# TCG is slow, and two guests share two processors: the kernel's alarms about lost time would be
# false. Everything else of its alarms stays.
_CMDLINE = (
    "console=ttyS0", "loglevel=7", "printk.devkmsg=on", "panic=-1", "oops=panic", "nokaslr",
    "tsc=reliable", "no_timer_check", "nowatchdog", "rcupdate.rcu_cpu_stall_timeout=300",
    "rcupdate.rcu_exp_cpu_stall_timeout=0", "sysctl.kernel.hung_task_timeout_secs=600",
    "random.trust_cpu=on", "rdinit=/init", "net.ifnames=0", "raid=noautodetect", "apparmor=0",
)
_DEBUG_CMDLINE = ("kasan_multi_shot", "kmemleak=on")


@dataclass(frozen=True)
class Request:
    """What to run, and in what machine."""

    kernel: Kernel
    argv: Sequence[str]
    env: Mapping[str, str]
    folder: Path
    run: Path
    """the folder of this run on the host, with its log"""
    results: Path
    """the folder that both sides can write"""
    visible: Sequence[Path] = ()
    """folders of the host that must be seen even below /tmp"""
    module: Path | None = None
    cpus: int = 2
    memory: int = 2048
    icount: bool = False
    in_turns: bool = False
    append: Sequence[str] = ()
    timeout: float = 900.0


@dataclass
class Result:
    """What came back."""

    reports: list[str] = field(default_factory=list)
    timed_out: bool = False
    qemu: int = 0
    seconds_to_ready: float | None = None

    def of(self, kind: str) -> str | None:
        """The text of the first report of a kind, or None."""
        for line in self.reports:
            word, _, text = line.partition(" ")
            if word == kind:
                return text
        return None


def _die_with_parent(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        os.setpgid(0, 0)
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the line above.
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def _list(items: Sequence[str]) -> bytes:
    return b"".join(os.fsencode(item) + b"\0" for item in items)


def _job(request: Request) -> dict[str, bytes]:
    """The files that init/main.c reads."""
    job = {
        "argv": _list(request.argv),
        "env": _list([f"{key}={value}" for key, value in request.env.items()]),
        "visible": _list([str(path) for path in request.visible]),
        "setting": _list([
            str(request.folder), str(request.results), str(request.kernel.modules),
            str(request.module or ""),
        ]),
    }
    if request.kernel.name == DEBUG:
        job["fragment"] = (Path(__file__).resolve().parent / "debug.config").read_bytes()
    return job


def _escape(path: Path) -> str:
    """QEMU's options are separated by commas."""
    return str(path).replace(",", ",,")


def _arguments(request: Request, image: Path, ports: Mapping[str, int]) -> list[str]:
    cmdline = [*_CMDLINE, *(_DEBUG_CMDLINE if request.kernel.name == DEBUG else ())]
    if request.icount:
        machine = ["-accel", "tcg,thread=single,tb-size=512", "-smp", "1",
                   "-icount", "shift=0,sleep=off", "-seed", "1",
                   "-rtc", "base=2026-01-01T00:00:00,clock=vm"]
    else:
        thread = "single" if request.in_turns else "multi"
        machine = ["-accel", f"tcg,thread={thread},tb-size=512", "-smp", str(request.cpus)]
    channels: list[str] = []
    for name, descriptor in ports.items():
        # Opened again by its name in /proc, the write end of a pipe is a file like any other.
        channels += ["-chardev", f"file,id={name},path=/proc/self/fd/{descriptor},append=on",
                     "-device", f"virtserialport,chardev={name},name={name}"]
    return [
        "qemu-system-x86_64", "-nodefaults", "-no-user-config", "-no-reboot",
        "-machine", "q35,usb=off,smm=off,hpet=off,vmport=off", "-cpu", "qemu64",
        *machine, "-m", f"{request.memory}M", "-display", "none",
        "-chardev", f"file,id=serial,path={_escape(request.run / 'serial.log')}",
        "-serial", "chardev:serial", "-monitor", "none",
        "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
        "-fsdev", f"local,id=results,path={_escape(request.results)},security_model=none",
        "-device", "virtio-9p-pci,fsdev=results,mount_tag=results",
        "-device", "virtio-serial-pci,max_ports=8", *channels,
        "-kernel", str(request.kernel.vmlinuz), "-initrd", str(image),
        "-append", " ".join([*cmdline, *request.append]),
    ]


class _Copier:
    """Passes on what a port brings. It never keeps the guest waiting for a slow reader here."""

    def __init__(self, source: int, target: int) -> None:
        self.size = 0
        self._chunks: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, args=(source,), daemon=True)
        self._writer = threading.Thread(target=self._write, args=(target,), daemon=True)
        self._reader.start()
        self._writer.start()

    def _read(self, source: int) -> None:
        while chunk := os.read(source, 1 << 16):
            self.size += len(chunk)
            self._chunks.put(chunk)
        os.close(source)
        self._chunks.put(b"")

    def _write(self, target: int) -> None:
        while chunk := self._chunks.get():
            view = memoryview(chunk)
            try:
                while view:
                    view = view[os.write(target, view):]
            except OSError:
                return  # nobody reads us any more; the guest goes on

    def finish(self) -> None:
        """Wait until everything is written. QEMU must have ended."""
        self._reader.join()
        self._writer.join()


def _lines(source: int, result: Result, begin: float, ended: Callable[[], bool]) -> Iterator[float]:
    """Collect the status port's lines; a turn of the loop is at most a tenth of a second."""
    rest = b""
    while True:
        readable, _, _ = select.select([source], [], [], 0.1)
        if readable:
            chunk = os.read(source, 4096)
            if not chunk:
                return
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                result.reports.append(line.decode(errors="replace"))
                if line == b"ready":
                    result.seconds_to_ready = time.monotonic() - begin
        elif ended():
            return
        yield time.monotonic()


def _await_rest(
    end: str, copiers: Sequence[_Copier], serial: Path, qemu: subprocess.Popen[bytes]
) -> None:
    """Wait for the bytes that the guest says it has written, and for the end of its log, which
    PREEMPT_RT prints from a thread."""
    sizes = [int(size) for size in end.split()]
    limit = time.monotonic() + 30
    while qemu.poll() is None and time.monotonic() < limit:
        written = all(copier.size >= size for copier, size in zip(copiers, sizes, strict=True))
        if written and log.ended(serial):
            return
        time.sleep(0.005)


def run(request: Request) -> Result:
    """Boot the guest, run the command in it, and return what became of it."""
    result = Result()
    image = request.run / "initramfs"
    image.write_bytes(initramfs.build(request.kernel, _job(request)))
    with contextlib.ExitStack() as stack:
        ports: dict[str, tuple[int, int]] = {}
        for name in ("status", "stdout", "stderr"):
            ports[name] = os.pipe()
        sys.stdout.flush()
        copiers = [_Copier(ports["stdout"][0], 1), _Copier(ports["stderr"][0], 2)]
        begin = time.monotonic()
        with open(request.run / "qemu.log", "wb") as messages:
            qemu = subprocess.Popen(
                _arguments(request, image, {name: ends[1] for name, ends in ports.items()}),
                stdin=subprocess.DEVNULL, stdout=messages, stderr=messages,
                pass_fds=[ends[1] for ends in ports.values()],
                preexec_fn=_die_with_parent(os.getpid()),
            )
        stack.callback(qemu.wait)
        stack.callback(qemu.kill)
        for ends in ports.values():
            os.close(ends[1])
        for now in _lines(ports["status"][0], result, begin, lambda: qemu.poll() is not None):
            if (end := result.of("end")) is not None:
                _await_rest(end, copiers, request.run / "serial.log", qemu)
                break
            if now - begin > request.timeout:
                result.timed_out = True
                break
        else:
            qemu.wait()
    result.qemu = qemu.returncode
    for copier in copiers:
        copier.finish()
    os.close(ports["status"][0])
    image.unlink()
    return result


def boot(request: Request) -> Result:
    """As run(), and once more if the emulator made the kernel die before user space began."""
    result = run(request)
    serial = request.run / "serial.log"
    if log.read(serial).stale_int3():
        kept = serial.rename(request.run / "serial-first.log")
        print(f"guest: QEMU ran an int3 that the kernel had replaced, before user space began: "
              f"booting once more; the log is {kept}", file=sys.stderr, flush=True)
        result = run(request)
    return result
