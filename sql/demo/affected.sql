SELECT a.code, a.name AS "社区", p.households, p.residents,
       sum(e.filed) AS filed, sum(e.closed) AS closed, sum(e.filed) FILTER (WHERE kind = 'fire') AS fire, sum(e.filed) FILTER (WHERE kind = 'dispute') AS disputes
FROM demo.area a JOIN demo.population p USING (code) JOIN demo.events e USING (code)
WHERE a.code <@ '350304001' AND a.code <= '350304001005' AND a.level <> 'grid' GROUP BY a.code, p.households, p.residents ORDER BY a.code;
