namespace Orleans.Coord.Replication.Tests;

public sealed class CrashTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 60).Select(i => (ulong)i)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void What_was_acknowledged_before_a_crash_is_there_after_it(ulong seed)
    {
        var random = new SplitMix64(seed);
        var silo = new TestSilo(TestSilo.DefaultOptions with { SnapshotLogBytes = 4_000 }, seed);
        var acknowledged = new Dictionary<string, int>();
        var sent = new Dictionary<string, int>();
        int next = 0;
        for (int life = 0; life < 6; life++)
        {
            TestClient client = silo.Join(40_000);
            var waiting = new Queue<(string Path, int Value)>();
            silo.AutoSync = false;
            for (int turn = random.Below(60); turn >= 0; turn--)
            {
                for (int i = random.Below(5); i >= 0; i--)
                {
                    string path = "/k" + random.Below(12);
                    if (!sent.ContainsKey(path))
                    {
                        client.AddCreate(path, (++next).ToString());
                    }
                    else
                    {
                        client.AddSet(path, (++next).ToString());
                    }

                    sent[path] = next;
                    waiting.Enqueue((path, next));
                }

                client.Send();
                if (random.Below(3) == 0)
                {
                    silo.Sync();
                }

                while (client.HasFrame)
                {
                    (string path, int value) = waiting.Dequeue();
                    if (client.Next().Code == CoordErrorCode.Ok)
                    {
                        acknowledged[path] = value;
                    }
                }
            }

            silo.AutoSync = true;
            silo.Restart();
            Verify(silo, acknowledged, sent);
        }
    }

    private static void Verify(TestSilo silo, Dictionary<string, int> acknowledged, Dictionary<string, int> sent)
    {
        TestClient reader = silo.Join();
        foreach ((string path, int value) in acknowledged)
        {
            reader.AddGet(path);
            reader.Send();
            Reply reply = reader.Next();
            Assert.Equal(CoordErrorCode.Ok, reply.Code);
            Assert.InRange(int.Parse(reply.Text), value, sent[path]);
        }

        // A create that was lost may be tried again.
        foreach (string path in sent.Keys.Except(acknowledged.Keys).ToArray())
        {
            reader.AddGet(path);
            reader.Send();
            if (reader.Next().Code == CoordErrorCode.NoNode)
            {
                sent.Remove(path);
            }
        }
    }
}
