"""The script that Streamlit runs at every turn of a session."""

from dgdo_geo.web.page import show

show()
