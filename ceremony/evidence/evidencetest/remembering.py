"""Runs a program, and asks OpenSSL about each signature once: what it has said of the same
key, text and signature is a link in a folder. Arguments: folder, program, its arguments."""
import hashlib, os, pathlib, runpy, subprocess, sys

folder, program = pathlib.Path(sys.argv[1]), sys.argv[2]
sys.argv[:2] = []
ask = subprocess.run


def remember(command, cwd, **options):
    question = hashlib.sha256(" ".join(command).encode())
    for name in sorted(os.listdir(cwd)):
        question.update(hashlib.sha256(pathlib.Path(cwd, name).read_bytes()).digest())
    answer = folder / question.hexdigest()
    if not answer.is_symlink():
        status = ask(command, cwd=cwd, **options).returncode
        try:
            answer.symlink_to(str(status))
        except FileExistsError:
            pass  # another process has asked the same
    return subprocess.CompletedProcess(command, int(os.readlink(answer)))


subprocess.run = remember
runpy.run_path(program, run_name="__main__")
