"""A generator method: its items stream to the host as they are found, with progress."""

from collections.abc import Iterator

from bridgekit import PythonBridge, current_call


class Primes(PythonBridge):
    """Finds prime numbers."""

    def below(self, limit: int) -> Iterator[int]:
        """Stream the primes below ``limit``."""
        found: list[int] = []
        for number in range(2, limit):
            if all(number % prime for prime in found if prime * prime <= number):
                found.append(number)
                yield number
            current_call().progress(number / (limit - 1), message=f"{len(found)} primes")


if __name__ == "__main__":
    Primes().run()
