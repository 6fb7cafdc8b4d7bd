<?php
// The page that handler replaces: writes whatever comes to a file, unverified and unsynced.
$entry = "\n------------------------\n" . date('Y.m.d G:i:s') . "\nincoming\n";
$entry .= print_r($_REQUEST, true) . "\n------------------------\n";
file_put_contents(getenv('BENCH_DIR') . '/hook.log', $entry, FILE_APPEND);
