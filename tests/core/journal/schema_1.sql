-- A journal of schema 1, in words that SQLite and PostgreSQL both know.
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
    code TEXT,
    error TEXT,
    PRIMARY KEY (id),
    UNIQUE (active)
);
CREATE INDEX ix_tasks_fingerprint ON tasks (fingerprint);
CREATE INDEX ix_tasks_state ON tasks (state);
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
INSERT INTO meta VALUES ('schema', '1');
INSERT INTO workers VALUES ('w-old', 'elsewhere', 8803, 1780000000.5, 1780000100.5);
INSERT INTO tasks VALUES (
    'k26-owl', 'kie', 'sandbox',
    'b5e3535a3990a130a2b39aeb0dcc2110028fede07b7e87c8829340e3ad314588',
    'b5e3535a3990a130a2b39aeb0dcc2110028fede07b7e87c8829340e3ad314588',
    'stored',
    '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "An owl of old", "seed": 0, "sound": false}',
    '{}', NULL, 1780000000.25, 1780000004.75, NULL, NULL, 1, 1780000000.5, 1780000004.5,
    '{"data": {}, "task_id": "task_1"}', 'task_1', 'https://api.kie.ai/results/0/task_1.mp4',
    'owl.mp4', 55.0, NULL, NULL
);
INSERT INTO tasks VALUES (
    'k26-fox', 'acme', 'live', 'f1', 'f1', 'stored',
    '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "A fox of a plug-in that is gone", "seed": 0, "sound": false}',
    '{}', NULL, 1780000010.25, 1780000014.75, NULL, NULL, 1, 1780000010.5, 1780000014.5,
    '{"data": {}, "task_id": "fox_1"}', 'fox_1', 'https://acme.example/fox_1.mp4',
    'fox.mp4', 0.35, NULL, NULL
);
INSERT INTO tasks VALUES (
    'k26-crow', 'kie', 'sandbox', 'f2', 'f2', 'submitted',
    '{"aspect_ratio": "16:9", "callback_url": null, "duration": 5, "image": null, "prompt": "A crow under way", "seed": 0, "sound": false}',
    '{}', NULL, 1780000020.25, 1780000020.75, 'w-old', NULL, 1, 1780000020.5, NULL,
    '{"data": {}, "task_id": "task_2"}', 'task_2', NULL, NULL, NULL, NULL, NULL
);
INSERT INTO outputs VALUES ('k26-crow', '/tmp/crow.mp4', NULL);
