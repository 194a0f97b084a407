"""The smallest useful backend: plain methods in, plain values out."""

from bridgekit import PythonBridge


class Echo(PythonBridge):
    """Gives back what it gets."""

    def echo(self, value):
        """Return the value as it came."""
        return value

    def greet(self, name: str) -> str:
        """Say hello."""
        print(f"greeting {name}")  # goes to the host's log, never onto the wire
        return f"Hello, {name}!"

    def divide(self, a: int, b: int) -> float:
        """Divide a by b; b=0 shows how an exception arrives."""
        return a / b


if __name__ == "__main__":
    Echo().run()
