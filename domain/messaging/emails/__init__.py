"""What Tarn writes to customers."""
