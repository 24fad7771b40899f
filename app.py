"""Start the web app: ``streamlit run app.py``; or use ``dgdo-geo serve``."""

import streamlit as st

from dgdo_geo.web.asgi import parts

app = st.App(**parts(st.get_option("server.baseUrlPath")))
