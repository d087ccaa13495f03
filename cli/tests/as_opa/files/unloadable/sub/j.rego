package j
