"""Funnels: who went which steps in which order, worked out from the trail with numpy. Pure; no Redis in here.

question -> steps -> (records of a trail) -> fold -> moments -> match -> tally

question   what is asked, parsed
steps      the steps as patterns, and the sieve that finds their records
fold       those records, sorted by user and time, and kept so as new ones come
moments    what a user did at one instant, where several records share it
match      each user's chain: how far along the steps, and when
tally      the chains counted: users, times, value
"""
