#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Only io/posix*.cpp touches the file system, so that the simulated one sees everything we do."""
import re

from common import Report, files, line_of, read, without_comments

ALLOWED = ("framework/everfold/io/posix.cpp", "framework/everfold/io/posix_machine.cpp",
           "framework/everfold/io/posix_wait_word.cpp")

# File: why it may use files, or the terminal, itself: what the user names is no log.
USER_FILES = {
    "framework/everfold/cli/process.cpp": "keeps the three standard streams open",
    "framework/everfold/cli/output.cpp": "writes standard output, and notices failure",
    "framework/everfold/cli/user_file.cpp": "reads and writes the files users name",
}

# Names that mean nothing but the call, unless they are a member of something.
CALLS = """openat creat pread pwrite preadv pwritev readv writev lseek fsync fdatasync sync_file_range
unlink unlinkat renameat renameat2 linkat ftruncate fallocate posix_fallocate mmap munmap msync flock
lockf fcntl opendir fdopendir readdir closedir fopen freopen fdopen fread fwrite tmpfile mkstemp
mkdtemp fstat fstatat lstat fchmod chmod""".split()
# Names that are also ordinary words of ours: only as ::name( or std::name(.
WORDS = "open close read write rename remove link symlink truncate stat mkdir rmdir access".split()

RAW = re.compile(
    r"(?<![\w.>:])(?:::|std::)?(?:%s)\s*\(" % "|".join(CALLS)
    + r"|(?<![\w>:])::(?:%s)\s*\(" % "|".join(WORDS)
    + r"|\bstd::(?:rename\s*\(|filesystem\b|(?:basic_)?[io]?fstream\b|(?:basic_)?filebuf\b)"
    + r"|#\s*include\s*<(?:fstream|filesystem|fcntl\.h|sys/[a-z]+\.h|dirent\.h)>"
)


def main():
    report = Report()
    sources = files("framework", (".hpp", ".cpp", ".ipp")) + files("samples", (".hpp", ".cpp"))
    for path in sources:
        if path in ALLOWED or path in USER_FILES:
            continue
        text = without_comments(read(path))
        report.thing(
            path,
            (
                f":{line_of(text, m.start())}: '{m[0].strip()}' belongs into {ALLOWED[0]}"
                for m in RAW.finditer(text)
            ),
        )
    for path, reason in USER_FILES.items():
        report.look(path in sources, f"{path} ({reason}) is listed here and does not exist")
    report.close()


main()
