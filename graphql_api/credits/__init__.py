"""Coupons, credit notes, wallets."""
