-- gridtree: loaded by CREATE EXTENSION only.
\echo Use "CREATE EXTENSION gridtree CASCADE" to load this file. \quit
