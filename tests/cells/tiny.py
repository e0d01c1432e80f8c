"""A whole coding agent in one file: asks a model over OpenAI chat, runs the shell commands it is told to.

It is a real program that runs in a sandbox and knows nothing of what watches it. `--then WORD` makes
it misbehave once the model has nothing more to say. No braces around single words: the file travels as a
template of an agent's files.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

TOOL = dict(
    type="function",
    function=dict(
        name="run_shell_command",
        description="Run a shell command.",
        parameters=dict(type="object", properties=dict(command=dict(type="string")), required=["command"]),
    ),
)


def ask(messages):
    body = json.dumps(dict(model=os.environ["TINY_MODEL"], messages=messages, tools=[TOOL])).encode()
    request = urllib.request.Request(os.environ["TINY_URL"] + "/chat/completions", body)
    request.add_header("Authorization", "Bearer " + os.environ["TINY_KEY"])
    request.add_header("Content-Type", "application/json")
    for tried in range(3):
        try:
            with urllib.request.urlopen(request) as answer:
                return json.load(answer)["choices"][0]["message"]
        except urllib.error.HTTPError as error:
            print("HTTP", error.code, error.read()[:300].decode(), file=sys.stderr, flush=True)
            if error.code in (400, 401, 403):
                return None
        except OSError as error:
            print("no answer:", error, file=sys.stderr, flush=True)
        time.sleep(0.05 * (tried + 1))
    return None


def work(instruction):
    messages = [dict(role="user", content=instruction)]
    while (said := ask(messages)) is not None:
        calls = said.get("tool_calls") or []
        messages.append(said)
        for call in calls:
            command = json.loads(call["function"]["arguments"]).get("command", "true")
            done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, errors="replace")
            print("$", command, flush=True)
            print(done.stdout, done.stderr, flush=True)
            shown = (done.stdout + done.stderr)[-4000:]
            messages.append(dict(role="tool", tool_call_id=call["id"], content=shown))
        if not calls:
            print(said.get("content"), flush=True)
            return 0
    return 1


# Each of these ends by itself well before it could take a machine's memory, processes or disk: what
# holds them is slow on a busy machine, and where there are no control groups.
def fork_bomb():
    tokens, more = os.pipe2(os.O_NONBLOCK)
    os.write(more, b"x" * 400)
    while True:
        try:
            if os.read(tokens, 1):
                os.fork()
        except OSError:
            time.sleep(0.01)


def flood():
    block = b"all work and no play makes a dull agent\n" * 25_000
    for _ in range(5 * 1024):
        os.write(1, block)


def eat_memory():
    kept = [bytearray(b"\xff" * (16 << 20)) for _ in range(64)]
    time.sleep(600 + len(kept))


def ignore_sigterm():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(0.2)


def leave_daemon():
    subprocess.Popen(["sleep", "600"], start_new_session=True, stdin=-3, stdout=-3, stderr=-3)


THEN = dict(
    bomb=fork_bomb,
    flood=flood,
    eat=eat_memory,
    ignore=ignore_sigterm,
    daemon=leave_daemon,
    die=lambda: os.kill(os.getpid(), signal.SIGKILL),
    sleep=lambda: time.sleep(600),
    fail=lambda: sys.exit(1),
    nothing=lambda: None,
)

if __name__ == "__main__":
    code = work(sys.argv[1])
    THEN[sys.argv[2] if len(sys.argv) > 2 else "nothing"]()
    sys.exit(code)
