-- Short tables, closures and strings: an interpreter's garbage.
local function tree(depth)
	if depth == 0 then return {} end
	return { tree(depth - 1), tree(depth - 1) }
end

local function count(t)
	if not t[1] then return 1 end
	return 1 + count(t[1]) + count(t[2])
end

local total = 0
for _ = 1, 12 do total = total + count(tree(15)) end
print(total)

local words, x = {}, 12345
for i = 1, 150000 do
	x = (x * 1103515245 + 12345) % 2147483648
	words[i] = string.format("%x-%d", x, i)
end
table.sort(words)
local text = table.concat(words, " ")
local seen, n = {}, 0
for w in text:gmatch("%x+") do
	if not seen[w] then
		seen[w] = function() return w end
		n = n + 1
	end
end
print(#text, n, words[1], words[#words])

local parts = {}
for i = 1, 120000 do parts[#parts + 1] = ("x"):rep(i % 200) .. i end
local length = 0
for _, s in ipairs(parts) do length = length + #s:upper():reverse() end
print(length)
