<?php
// The page that index replaces, as site owners have it: one form that posts to itself and calls the portal at once.
$message = '';
// As many bytes as the other side's form has.
if ($_SERVER['REQUEST_METHOD'] === 'GET') {
    readfile(getenv('BENCH_DIR') . '/form.html');
    exit;
}
$field = fn($name) => htmlspecialchars($_POST[$name] ?? '');
if (($_POST['saved'] ?? '') === 'yes') {
    $lead = [
        'fields' => [
            'TITLE' => $_POST['first_name'] . ' ' . $_POST['last_name'],
            'NAME' => $_POST['first_name'],
            'LAST_NAME' => $_POST['last_name'],
            'STATUS_ID' => 'NEW',
            'OPENED' => 'Y',
            'ASSIGNED_BY_ID' => 1,
            'PHONE' => [['VALUE' => $_POST['phone'], 'VALUE_TYPE' => 'WORK']],
            'EMAIL' => [['VALUE' => $_POST['email'], 'VALUE_TYPE' => 'WORK']],
        ],
        'params' => ['REGISTER_SONET_EVENT' => 'Y'],
    ];
    $curl = curl_init(getenv('PORTAL') . 'crm.lead.add.json');
    curl_setopt_array($curl, [
        CURLOPT_POSTFIELDS => http_build_query($lead),
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_FOLLOWLOCATION => true,
        CURLOPT_CAINFO => getenv('PORTAL_CA'),
    ]);
    $answer = json_decode((string) curl_exec($curl), true);
    curl_close($curl);
    $message = isset($answer['result']) ? 'Data has been saved' : 'Error saving lead: ' . ($answer['error_description'] ?? '');
}
?>
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Lead</title></head><body>
<p><?= htmlspecialchars($message) ?></p>
<form method="post">
<input name="first_name" value="<?= $field('first_name') ?>"> <input name="last_name" value="<?= $field('last_name') ?>">
<input name="phone" value="<?= $field('phone') ?>"> <input name="email" value="<?= $field('email') ?>">
<input type="hidden" name="saved" value="yes"> <button>Send</button>
</form></body></html>
