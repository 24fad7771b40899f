"""Speed and exactness of dgdo-geo, measured beside the engines that others use; see README.md."""
