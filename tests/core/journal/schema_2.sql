-- A journal of schema 2, written by the code of that day over the emulators of kie.ai and
-- CometAPI: a task in every state. In words that SQLite and PostgreSQL both know.
CREATE TABLE tasks (
    id VARCHAR(40) NOT NULL,
    provider VARCHAR(100) NOT NULL,
    realm VARCHAR(20) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    active VARCHAR(64),
    state VARCHAR(20) NOT NULL,
    request TEXT NOT NULL,
    options TEXT NOT NULL,
    image TEXT,
    created DOUBLE PRECISION NOT NULL,
    updated DOUBLE PRECISION NOT NULL,
    worker VARCHAR(40),
    sending DOUBLE PRECISION,
    attempts INTEGER NOT NULL,
    submitted DOUBLE PRECISION,
    finished DOUBLE PRECISION,
    ticket TEXT,
    task_id TEXT,
    url TEXT,
    file TEXT,
    cost DOUBLE PRECISION,
    cost_unit TEXT,
    code TEXT,
    error TEXT,
    PRIMARY KEY (id),
    UNIQUE (active)
);
CREATE INDEX ix_tasks_state ON tasks (state);
CREATE INDEX ix_tasks_fingerprint ON tasks (fingerprint);
CREATE TABLE outputs (
    task VARCHAR(40) NOT NULL,
    path VARCHAR(1000) NOT NULL,
    written DOUBLE PRECISION,
    PRIMARY KEY (task, path)
);
CREATE TABLE workers (
    id VARCHAR(40) NOT NULL,
    host VARCHAR(255) NOT NULL,
    pid INTEGER NOT NULL,
    born DOUBLE PRECISION NOT NULL,
    seen DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE meta (
    name VARCHAR(40) NOT NULL,
    value VARCHAR(200) NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO meta VALUES (
    'schema', '2'
);
INSERT INTO workers VALUES (
    'w-3', 'studio', 4194307, 1795728138.56, 1790010061.400251
);
INSERT INTO workers VALUES (
    'w-4', 'studio', 4194308, 1795728138.56, 1790010061.400287
);
INSERT INTO workers VALUES (
    'w-5', 'studio', 4194309, 1795728138.56, 1790010121.400341
);
INSERT INTO workers VALUES (
    'w-6', 'studio', 4194310, 1795728138.56, 1790010212.800539
);
INSERT INTO workers VALUES (
    'w-7', 'studio', 4194311, 1795728138.56, 1790010214.200816
);
INSERT INTO workers VALUES (
    'w-1', 'studio', 4194305, 1795728138.56, 1790010000.000002
);
INSERT INTO workers VALUES (
    'w-2', 'studio', 4194306, 1795728138.56, 1790010030.000027
);
INSERT INTO tasks VALUES (
    'k26-5e1a1b13c58d6428', 'kie', 'sandbox', '2df9f1329285f9892e197411f2d072b64729a83f0b32ead62795a881ae3abc4f', '2df9f1329285f9892e197411f2d072b64729a83f0b32ead62795a881ae3abc4f', 'stored', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "An otter of schema 2 floats on its back", "seed": 0, "sound": true}', '{}', NULL, 1790010000.000003, 1790010061.400192, NULL, NULL, 1, 1790010000.000018, 1790010061.400174, '{"data": {}, "task_id": "task_kling-2.6_1790010000000"}', 'task_kling-2.6_1790010000000', 'https://api.kie.ai/results/0/task_kling-2.6_1790010000000.mp4', '/srv/kling26/videos/k26-5e1a1b13c58d6428.mp4', 110.0, 'credits', NULL, NULL
);
INSERT INTO tasks VALUES (
    'k26-9b11d37575496793', 'kie', 'sandbox', 'db087484fd2bd42126d7f35241acd3c59e8b9706716669fdcca70ce38369671d', NULL, 'refused', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 10, "image": null, "prompt": "A badger digs", "seed": 0, "sound": false}', '{}', NULL, 1790010061.400216, 1790010061.400234, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '402', 'The account at kie.ai has too little credit: Not enough credits. (code 402) Top it up and run this again. Nothing was paid.'
);
INSERT INTO tasks VALUES (
    'k26-32b1f8e2347de784', 'kie', 'sandbox', 'd2d1aebc2ddb340e17306e71cdd2850418c9c46f491cd8507643aa89ec8786c3', NULL, 'refused', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "A hare sits still", "seed": 0, "sound": false}', '{}', NULL, 1790010061.400252, 1790010061.40027, NULL, NULL, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '401', 'kie.ai does not accept the key: You do not have access with this key. (code 401) Set KIE_API_KEY, or run: kling26 keys set kie. Nothing was paid.'
);
INSERT INTO tasks VALUES (
    'k26-e147cb801835e621', 'kie', 'sandbox', '6af3b0acb563a2b3ba2fa8014f12d0a4fbd3ee5da838e571a288dc59ee02cfe5', '6af3b0acb563a2b3ba2fa8014f12d0a4fbd3ee5da838e571a288dc59ee02cfe5', 'unknown', '{"aspect_ratio": "9:16", "callback_url": null, "duration": 5, "image": null, "prompt": "A lynx waits", "seed": 0, "sound": false}', '{}', NULL, 1790010061.400288, 1790010061.400301, NULL, 1790010061.400296, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'kie.ai may have taken this video, and charged for it: no answer came (the connection broke). Look at https://kie.ai/logs. If the task is not there, this submits it again: kling26 resubmit k26-e147cb801835e621'
);
INSERT INTO tasks VALUES (
    'k26-a3fb86a0e3358edf', 'kie', 'sandbox', 'ebc1c88e5353fda5c4d2d1add340947e5fe053e098a6e39ff68adba02040440a', NULL, 'failed', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "A stoat leaps", "seed": 18446744073709551615, "sound": false}', '{}', NULL, 1790010061.400319, 1790010122.800491, NULL, NULL, 1, 1790010061.400334, NULL, '{"data": {}, "task_id": "task_kling-2.6_1790010061401"}', 'task_kling-2.6_1790010061401', NULL, NULL, NULL, NULL, '500', 'kie.ai could not make the video: The generation failed, please try again later. (code 500)'
);
INSERT INTO tasks VALUES (
    'k26-7b9803aaeb14d2cf', 'kie', 'sandbox', '5dda3af5982d6bce534afaeb284ccbd00e0083a0a1cb8f2aa3e160c055262b0b', '5dda3af5982d6bce534afaeb284ccbd00e0083a0a1cb8f2aa3e160c055262b0b', 'succeeded', '{"aspect_ratio": "16:9", "callback_url": "https://me.example/hook", "duration": 5, "image": null, "prompt": "A marten climbs", "seed": 0, "sound": false}', '{}', NULL, 1790010122.800509, 1790010214.200801, NULL, NULL, 1, 1790010122.800524, NULL, '{"data": {}, "task_id": "task_kling-2.6_1790010122800"}', 'task_kling-2.6_1790010122800', NULL, NULL, NULL, NULL, NULL, 'kie.ai says the video is done, and does not say where. Ask again later: kling26 resume k26-7b9803aaeb14d2cf'
);
INSERT INTO tasks VALUES (
    'k26-ea417967ae916027', 'kie', 'sandbox', 'f13d6c5d07c83044353f56ba6b2b00014e396ff04cec77f89581f3413021ce88', 'f13d6c5d07c83044353f56ba6b2b00014e396ff04cec77f89581f3413021ce88', 'submitted', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": "sha256:539767a9df66a07d474de63df6101cf1a715f2a4a7d5a71a274c5e2924ac8855", "prompt": "A wolf \u201chowls\u201d at the moon", "seed": 0, "sound": false}', '{}', '539767a9df66a07d474de63d.png', 1790010214.200819, 1790010229.200821, NULL, NULL, 1, 1790010214.200842, NULL, '{"data": {}, "task_id": "task_kling-2.6_1790010214200"}', 'task_kling-2.6_1790010214200', NULL, NULL, NULL, NULL, NULL, NULL
);
INSERT INTO tasks VALUES (
    'k26-d8014992aa2d44e6', 'cometapi', 'sandbox', 'c4d9b63e59739c0a6ab867fcb1dddf3089ffcf9c2e29c455d7f1420a11b47f86', 'c4d9b63e59739c0a6ab867fcb1dddf3089ffcf9c2e29c455d7f1420a11b47f86', 'submitted', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": "https://pictures.example/seal.png", "prompt": "A seal surfaces", "seed": 0, "sound": true}', '{"camera_control": null, "cfg_scale": 0.5, "mode": "pro", "negative_prompt": ""}', NULL, 1790010000.000003, 1790010015.000007, NULL, NULL, 1, 1790010000.000018, NULL, '{"data": {"action": "image2video"}, "task_id": "1790010000000000000"}', '1790010000000000000', NULL, NULL, NULL, NULL, NULL, NULL
);
INSERT INTO tasks VALUES (
    'k26-e53465c6642553dc', 'cometapi', 'sandbox', 'b99b61bc945de48c2cec7f82e8195b2b2472309a2f3f4fbf092a15a7c63d21ce', 'b99b61bc945de48c2cec7f82e8195b2b2472309a2f3f4fbf092a15a7c63d21ce', 'submitting', '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": "sha256:539767a9df66a07d474de63df6101cf1a715f2a4a7d5a71a274c5e2924ac8855", "prompt": "A crane takes off", "seed": 0, "sound": false}', '{"camera_control": null, "cfg_scale": null, "mode": "std", "negative_prompt": ""}', '539767a9df66a07d474de63d.png', 1790010015.000017, 1790010028.7853386, 'w-2', NULL, 5, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
);
INSERT INTO outputs VALUES (
    'k26-5e1a1b13c58d6428', '/tmp/otter.mp4', 1790010061.400204
);
INSERT INTO outputs VALUES (
    'k26-ea417967ae916027', '/tmp/wolf.mp4', NULL
);
