"""The recipe of Fledgling, the demo model that ships with Martlet."""
import pathlib

FOLDER = pathlib.Path(__file__).parent
