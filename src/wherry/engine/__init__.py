"""The use cases: what the engine can be asked to do, one verb for each module.

asyncio; blocking work goes through `wherry.base.crossing`. Knows neither HTTP nor status codes.
"""
