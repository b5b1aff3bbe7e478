"""Headgate beside other proxies: the parts of bench/run, bench/profile and bench/allocations."""
