"""How Fledgling, the demo model that ships with Martlet, is made."""
import pathlib

FOLDER = pathlib.Path(__file__).parent
