"""The questions asked of the tables: one module per noun, plain functions.

Every function takes the database first and opens no transaction for its caller unless
it says so. Times are UTC seconds unless a name says otherwise.
"""
