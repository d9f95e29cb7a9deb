"""A session store that was lost: noticed, and rebuilt from the steps topic before anybody works with it."""
