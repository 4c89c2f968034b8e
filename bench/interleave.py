#!/usr/bin/env python3
"""Has measuring programs take their rounds in turn, so that a disturbance meets all of them:

    bench/interleave.py ROUNDS -- PROGRAM ARGUMENT... -- PROGRAM ARGUMENT...

A program measures one round for each line that it reads, and answers with a line. When its input ends it prints its
figures, which go to our output.
"""

import subprocess
import sys


def main():
    rounds, _, *words = sys.argv[1:]
    commands = [[]]
    for word in words:
        commands.append([]) if word == "--" else commands[-1].append(word)
    programs = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        for command in commands
    ]
    for _ in range(int(rounds)):
        for program in programs:
            program.stdin.write("round\n")
            if not program.stdout.readline():
                sys.exit(f"error: {program.args[0]} ended with status {program.wait()}")
    failed = False
    for program in programs:
        figures, _ = program.communicate()
        print(figures, end="", flush=True)
        failed |= program.returncode != 0
    sys.exit(failed)


if __name__ == "__main__":
    main()
