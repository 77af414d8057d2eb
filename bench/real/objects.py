"""Objects, dictionaries, JSON and text: what a service's script does."""
import json
import re
import zlib


class Node:
    def __init__(self, key, value):
        self.key = key
        self.value = value
        self.left = None
        self.right = None


def insert(root, key, value):
    node = root
    while True:
        if key < node.key:
            if node.left is None:
                node.left = Node(key, value)
                return
            node = node.left
        else:
            if node.right is None:
                node.right = Node(key, value)
                return
            node = node.right


def walk(node):
    stack = []
    while stack or node:
        while node:
            stack.append(node)
            node = node.left
        node = stack.pop()
        yield node.key
        node = node.right


root = Node(1 << 31, "root")
x = 12345
for i in range(60000):
    x = (x * 1103515245 + 12345) % (1 << 31)
    insert(root, x, "value %d" % i)
print(sum(k * (i % 7) for i, k in enumerate(walk(root))))

records = [{"id": i, "name": "item %d" % i, "tags": ["t%d" % (i % 13), "x"],
            "price": i * 0.25} for i in range(80000)]
text = json.dumps(records)
again = json.loads(text)
print(len(text), again == records)

words = {}
for word in re.findall(r"[a-z0-9]+", text):
    words[word] = words.get(word, 0) + 1
print(len(words), sorted(words.items(), key=lambda w: (-w[1], w[0]))[:5])
print(zlib.crc32(zlib.compress(text.encode(), 1)))

rows = sorted(text.split("}"), key=lambda s: s[::-1])
print(len(rows), zlib.crc32("".join(rows).encode()))
