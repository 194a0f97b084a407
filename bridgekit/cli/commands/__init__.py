"""The commands, a module each; its name is the word that is typed (``exec`` is ``execute``)."""
