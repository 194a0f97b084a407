"""A numpy backend: arrays and scalars are returned as they are, and dataclasses come in typed."""

from dataclasses import dataclass

import numpy as np

from bridgekit import PythonBridge


@dataclass
class Line:
    """A fitted straight line."""

    slope: float
    intercept: float


class Matrix(PythonBridge):
    """Small linear algebra."""

    def solve(self, a: list[list[float]], b: list[float]):
        """Solve ``a @ x = b`` for x."""
        return np.linalg.solve(np.array(a), np.array(b))

    def fit(self, x: list[float], y: list[float]) -> Line:
        """Fit a straight line through points."""
        slope, intercept = np.polyfit(x, y, 1)
        return Line(slope=slope, intercept=intercept)

    def at(self, line: Line, x: float) -> float:
        """Return the height of a line at ``x``."""
        return line.slope * x + line.intercept


if __name__ == "__main__":
    Matrix().run()
