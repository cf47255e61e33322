SELECT code, name AS "社区", households, residents, events_filed, events_open, events_closed, events_reworked FROM community.figures
WHERE street_code = '350304001' AND level <> 'grid' AND code <= '350304001002' ORDER BY code;
