namespace Orleans.Coord.LoadGenerator;

/// <summary>The text of <c>--help</c>.</summary>
internal static class Help
{
    public const string Text = """
        coord-load drives a server that speaks ZooKeeper's protocol and measures it.

        usage: coord-load OPERATION [options]

        operations
          get, exists, set    random keys out of --keys, which are created first
          mix                 get and set, --read-percent of them gets
          create              new znodes
          delete              creates --ops znodes (100,000), then measures deleting them
          load                creates --ops znodes (1,000,000) spread under 1,000 parents in /load

        load
          -s, --server HOST:PORT,.. the server (127.0.0.1:2181), or several that share the connections in turn
          -c, --connections N       sessions, each on its own connection (1; load: 8)
          -d, --depth N             requests outstanding per connection (1; load: 128; with --rate: 256);
                                    a deep pipeline is refilled when a quarter of it is answered
              --seconds S           how long to measure (5)
              --ops N, --count N    measure this many operations instead
              --warm-up S           run unmeasured for this long first (1)
              --rate R              open loop: send R requests a second whatever the server does;
                                    latency counts from the time when a request was due
              --threads N           threads that share the connections (1)

        data
              --value-size BYTES    (100)
              --keys N              (10,000)
              --read-percent P      reads of a mix (90)
              --parents N           spread znodes under this many parents (1; load: 1,000)
              --root PATH           where the znodes go (/coord-load; load: /load)

        output
              --pid P,..            also report the CPU time and memory of the server processes, added up
              --json                one line of JSON
              --patience S          give up when the server is silent for this long (30)

        exit code: 0 done, 1 error replies, 2 bad usage, 3 cannot connect, 4 server lost during the run

        examples
          coord-load get --connections 16 --depth 32 --pid $(pidof java)
          coord-load set --rate 5000 --connections 8 --seconds 30
          coord-load load --count 1000000 --value-size 100
        """;
}
