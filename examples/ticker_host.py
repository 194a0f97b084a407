"""Listen to ticker.py's events from plain blocking code."""

from pathlib import Path

from bridgekit.blocking import ProcessManager


def main() -> None:
    with ProcessManager() as manager:
        backend = manager.spawn(Path(__file__).with_name("ticker.py"))
        with backend.events("tick") as events:
            backend.call("start", {"interval": 0.01})
            for event in events:
                print("tick", event.data["n"])
                if event.data["n"] == 3:
                    break
        print("at least three ticks:", backend.call("stop") >= 3)


if __name__ == "__main__":
    main()
