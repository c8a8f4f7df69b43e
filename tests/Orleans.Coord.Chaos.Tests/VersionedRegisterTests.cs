using Orleans.Coord.Chaos.Load;

namespace Orleans.Coord.Chaos.Tests;

public sealed class VersionedRegisterTests
{
    private readonly VersionedRegister _register = new("r");

    [Fact]
    public void A_history_in_order_passes()
    {
        _register.Wrote("a", 1, begun: 1, ended: 2);
        _register.Read("a", 1, begun: 3, ended: 4);
        _register.Wrote("b", 2, begun: 5, ended: 8);
        _register.Read("a", 1, begun: 6, ended: 7);
        _register.Read("b", 2, begun: 6, ended: 7);

        Assert.Empty(_register.Check());
    }

    [Fact]
    public void A_read_older_than_a_write_that_had_ended_is_found()
    {
        _register.Wrote("a", 1, begun: 1, ended: 2);
        _register.Wrote("b", 2, begun: 3, ended: 4);
        _register.Read("a", 1, begun: 5, ended: 6);

        Assert.Contains("is older than", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_older_than_a_read_that_had_ended_is_found()
    {
        _register.Wrote("a", 1, begun: 1, ended: 2);
        _register.Wrote("b", 2, begun: 3, ended: 10);
        _register.Read("b", 2, begun: 4, ended: 5);
        _register.Read("a", 1, begun: 6, ended: 7);

        Assert.Contains("is older than", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_write_ordered_before_one_that_had_ended_is_found()
    {
        _register.Wrote("b", 2, begun: 1, ended: 2);
        _register.Wrote("a", 1, begun: 3, ended: 4);

        Assert.Contains("is older than", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void Two_writes_with_one_version_are_found()
    {
        _register.Wrote("a", 1, begun: 1, ended: 3);
        _register.Wrote("b", 1, begun: 2, ended: 4);

        Assert.Contains("two values", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_write_that_is_written_over_is_found()
    {
        // The second writer never saw the first one's version: the acknowledged value is gone.
        _register.Wrote("a", 1, begun: 1, ended: 2);
        _register.Wrote("b", 1, begun: 3, ended: 4);

        Assert.NotEmpty(_register.Check());
    }

    [Fact]
    public void A_value_nobody_wrote_is_found()
    {
        _register.Read("x", 1, begun: 1, ended: 2);

        Assert.Contains("nobody wrote", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_read_before_it_was_written_is_found()
    {
        _register.Read("a", 1, begun: 1, ended: 2);
        _register.Wrote("a", 1, begun: 3, ended: 4);

        Assert.NotEmpty(_register.Check());
    }

    [Fact]
    public void A_write_of_unknown_outcome_may_be_read_or_never_be_seen()
    {
        _register.MayHaveWritten("a", begun: 1);
        _register.MayHaveWritten("b", begun: 2);
        _register.Read("b", 1, begun: 5, ended: 6);

        Assert.Empty(_register.Check());
    }

    [Fact]
    public void A_write_of_unknown_outcome_is_not_read_before_it_began()
    {
        _register.Read("a", 1, begun: 1, ended: 2);
        _register.MayHaveWritten("a", begun: 3);

        Assert.Contains("came before", Assert.Single(_register.Check()), StringComparison.Ordinal);
    }
}
