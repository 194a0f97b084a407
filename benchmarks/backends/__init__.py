"""The children: one script per competitor, all offering ``echo`` and, where they can, ``fire``."""
