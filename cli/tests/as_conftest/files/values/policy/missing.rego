package missing

deny contains {"text": "without msg"}
