-- A journal of schema 6: that of schema 5, which the code of that day has brought forward.
BEGIN TRANSACTION;
CREATE TABLE departures (
    id VARCHAR(16) NOT NULL,
    pace VARCHAR(130) NOT NULL,
    taken DOUBLE NOT NULL,
    leaves DOUBLE NOT NULL,
    PRIMARY KEY (id)
);
CREATE TABLE forgotten (
    id VARCHAR(40) NOT NULL,
    counts_from DOUBLE NOT NULL,
    found_ahead DOUBLE,
    times INTEGER NOT NULL,
    usd DOUBLE,
    PRIMARY KEY (id)
);
CREATE TABLE meta (
    name VARCHAR(40) NOT NULL,
    value VARCHAR(200) NOT NULL,
    PRIMARY KEY (name)
);
INSERT INTO "meta" VALUES('schema','6');
CREATE TABLE outputs (
    task VARCHAR(40) NOT NULL,
    path VARCHAR(1000) NOT NULL,
    found TEXT,
    written DOUBLE,
    PRIMARY KEY (task, path)
);
INSERT INTO "outputs" VALUES('k26-7c1a0204b4970dbc','/tmp/otter.mp4',NULL,1.79001006140019297595e+09);
INSERT INTO "outputs" VALUES('k26-32d7bbbc14cc8e68','/tmp/wolf.mp4',NULL,NULL);
CREATE TABLE pauses (
    pace VARCHAR(130) NOT NULL,
    until DOUBLE NOT NULL,
    PRIMARY KEY (pace)
);
CREATE TABLE quotes (
    question VARCHAR(64) NOT NULL,
    usd DOUBLE NOT NULL,
    told DOUBLE NOT NULL,
    PRIMARY KEY (question)
);
INSERT INTO "quotes" VALUES('q',0.1,1.7957869033788030148e+09);
CREATE TABLE tasks (
    id VARCHAR(40) NOT NULL,
    provider VARCHAR(100) NOT NULL,
    realm VARCHAR(20) NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    active VARCHAR(64),
    state VARCHAR(20) NOT NULL,
    prompt TEXT NOT NULL,
    image TEXT,
    sound BOOLEAN NOT NULL,
    duration INTEGER NOT NULL,
    aspect_ratio VARCHAR(20) NOT NULL,
    callback_url TEXT,
    seed VARCHAR(20) NOT NULL,
    end_image TEXT,
    options JSON NOT NULL,
    image_file TEXT,
    end_image_file TEXT,
    asked JSON,
    passed JSON NOT NULL,
    created DOUBLE NOT NULL,
    updated DOUBLE NOT NULL,
    worker VARCHAR(40),
    generation INTEGER NOT NULL,
    sending DOUBLE,
    attempts INTEGER NOT NULL,
    resubmits INTEGER NOT NULL,
    counts_from DOUBLE NOT NULL,
    found_ahead DOUBLE,
    submitted DOUBLE,
    unfinished DOUBLE,
    finished DOUBLE,
    task_id TEXT,
    ticket_data JSON,
    url TEXT,
    file TEXT,
    price_usd DOUBLE,
    cost DOUBLE,
    cost_unit TEXT,
    cost_usd DOUBLE,
    code TEXT,
    error TEXT,
    remedy JSON,
    PRIMARY KEY (id),
    UNIQUE (active)
);
INSERT INTO "tasks" VALUES('k26-7c1a0204b4970dbc','kie','sandbox','a2a44bf907980827fa8c899dcbb2e5e3e208172be691f1fb270092f0c3139b6a','a2a44bf907980827fa8c899dcbb2e5e3e208172be691f1fb270092f0c3139b6a','stored','An otter of schema 3 floats on its back',NULL,1,5,'16:9',NULL,'0',NULL,'{}',NULL,NULL,NULL,'[]',1.79001000000000095365e+09,1.79001006140018296235e+09,NULL,1,NULL,1,0,1.79001000000001406664e+09,NULL,1.79001000000001406664e+09,NULL,1.79001006140016794207e+09,'task_kling-2.6_1790010000000','{}','https://api.kie.ai/results/0/task_kling-2.6_1790010000000.mp4','videos/k26-7c1a0204b4970dbc.mp4',NULL,110.0,'credits',0.55,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('k26-faf93ac20f066b47','kie','sandbox','db087484fd2bd42126d7f35241acd3c59e8b9706716669fdcca70ce38369671d',NULL,'refused','A badger digs',NULL,0,10,'16:9',NULL,'0',NULL,'{}',NULL,NULL,NULL,'[]',1.79001006140020608907e+09,1.79001006140022110935e+09,NULL,1,NULL,1,0,1.79001006140020608907e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'402','The account at kie.ai has too little credit: Not enough credits (code 402). Nothing was paid.','{"do": "top_up", "page": "https://kie.ai/api-key"}');
INSERT INTO "tasks" VALUES('k26-0ad4737c70867b4d','kie','sandbox','d2d1aebc2ddb340e17306e71cdd2850418c9c46f491cd8507643aa89ec8786c3',NULL,'refused','A hare sits still',NULL,0,5,'16:9',NULL,'0',NULL,'{}',NULL,NULL,NULL,'[]',1.79001006140023803713e+09,1.79001006140025305745e+09,NULL,1,NULL,1,0,1.79001006140023803713e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'401','kie.ai does not accept the key: You do not have access with this key (code 401). Nothing was paid.','{"do": "set_key", "variable": "KIE_API_KEY", "page": "https://kie.ai/api-key"}');
INSERT INTO "tasks" VALUES('k26-075e54f2feefa908','kie','sandbox','6af3b0acb563a2b3ba2fa8014f12d0a4fbd3ee5da838e571a288dc59ee02cfe5','6af3b0acb563a2b3ba2fa8014f12d0a4fbd3ee5da838e571a288dc59ee02cfe5','unknown','A lynx waits',NULL,0,5,'9:16',NULL,'0',NULL,'{}',NULL,NULL,NULL,'[]',1790010061.40027,1790010061.40028,NULL,1,1.79001006140027499194e+09,1,0,1.79001006140027499194e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'kie.ai may have accepted this request and charged for it: no answer came (the connection broke).','{"do": "resubmit", "page": "https://kie.ai/logs"}');
INSERT INTO "tasks" VALUES('k26-fd2a2fa3e10f57a9','kie','sandbox','ebc1c88e5353fda5c4d2d1add340947e5fe053e098a6e39ff68adba02040440a',NULL,'failed','A stoat leaps',NULL,0,5,'16:9',NULL,'18446744073709551615',NULL,'{}',NULL,NULL,NULL,'[]',1.79001006140029692657e+09,1.79001012280046391481e+09,NULL,1,NULL,1,0,1790010061.40031,NULL,1790010061.40031,NULL,NULL,'task_kling-2.6_1790010061401','{}',NULL,NULL,NULL,NULL,NULL,NULL,'500','kie.ai could not make the video: The generation failed, please try again later (code 500).',NULL);
INSERT INTO "tasks" VALUES('k26-f6b6a66672ceb5df','kie','sandbox','5dda3af5982d6bce534afaeb284ccbd00e0083a0a1cb8f2aa3e160c055262b0b','5dda3af5982d6bce534afaeb284ccbd00e0083a0a1cb8f2aa3e160c055262b0b','succeeded','A marten climbs',NULL,0,5,'16:9','https://me.example/hook','0',NULL,'{}',NULL,NULL,NULL,'[]',1.79001012280048108103e+09,1.79001021420076799391e+09,NULL,1,NULL,1,0,1.79001012280049395558e+09,NULL,1.79001012280049395558e+09,NULL,NULL,'task_kling-2.6_1790010122800','{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,'kie.ai says that the video is finished, but sent no URL for it.','{"do": "resume"}');
INSERT INTO "tasks" VALUES('k26-32d7bbbc14cc8e68','kie','sandbox','f13d6c5d07c83044353f56ba6b2b00014e396ff04cec77f89581f3413021ce88','f13d6c5d07c83044353f56ba6b2b00014e396ff04cec77f89581f3413021ce88','submitted','A wolf “howls” at the moon','sha256:539767a9df66a07d474de63df6101cf1a715f2a4a7d5a71a274c5e2924ac8855',0,5,'16:9',NULL,'0',NULL,'{}','539767a9df66a07d474de63d.png',NULL,NULL,'[]',1.79001021420078492169e+09,1.79001022920078611379e+09,NULL,1,NULL,1,0,1.79001021420080590248e+09,NULL,1.79001021420080590248e+09,NULL,NULL,'task_kling-2.6_1790010214200','{}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('k26-4d28fcff3e093561','cometapi','sandbox','c4d9b63e59739c0a6ab867fcb1dddf3089ffcf9c2e29c455d7f1420a11b47f86','c4d9b63e59739c0a6ab867fcb1dddf3089ffcf9c2e29c455d7f1420a11b47f86','submitted','A seal surfaces','https://pictures.example/seal.png',1,5,'16:9',NULL,'0',NULL,'{"mode": "pro", "negative_prompt": "", "cfg_scale": 0.5, "camera_control": null}',NULL,NULL,NULL,'[]',1.79001000000000309942e+09,1.79001001500000596041e+09,NULL,1,NULL,1,0,1.7900100000000159741e+09,NULL,1.7900100000000159741e+09,NULL,NULL,'1790010000000000000','{"action": "image2video"}',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "tasks" VALUES('k26-d0356c23be2b5e47','cometapi','sandbox','b99b61bc945de48c2cec7f82e8195b2b2472309a2f3f4fbf092a15a7c63d21ce','b99b61bc945de48c2cec7f82e8195b2b2472309a2f3f4fbf092a15a7c63d21ce','submitting','A crane takes off','sha256:539767a9df66a07d474de63df6101cf1a715f2a4a7d5a71a274c5e2924ac8855',0,5,'16:9',NULL,'0',NULL,'{"mode": "std", "negative_prompt": "", "cfg_scale": null, "camera_control": null}','539767a9df66a07d474de63d.png',NULL,NULL,'[]',1.79001001500001692776e+09,1.79001002861418080334e+09,NULL,1,NULL,5,0,1.79001001500001692776e+09,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE workers (
    id VARCHAR(40) NOT NULL,
    place VARCHAR(200),
    seen DOUBLE NOT NULL,
    beats INTEGER NOT NULL,
    PRIMARY KEY (id)
);
CREATE INDEX ix_departures_pace ON departures (pace);
CREATE INDEX ix_tasks_state ON tasks (state);
CREATE INDEX ix_tasks_fingerprint ON tasks (fingerprint);
COMMIT;
