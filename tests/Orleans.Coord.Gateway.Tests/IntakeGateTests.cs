namespace Orleans.Coord.Gateway.Tests;

public sealed class IntakeGateTests
{
    [Fact]
    public void An_empty_gate_is_open()
    {
        Assert.True(new IntakeGate(100, 10, new SharedIntake(0, 0, 0)).WaitAsync().AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task Too_many_requests_close_it_until_half_of_them_are_executed()
    {
        var gate = new IntakeGate(maxBytes: 1000, maxFrames: 10, new SharedIntake(0, 0, 0));
        gate.Enter(10, 10);
        Task waiting = gate.WaitAsync().AsTask();
        gate.Leave(4, 4);
        Assert.False(waiting.IsCompleted);
        gate.Leave(1, 1);
        await waiting.WaitAsync(Eventually.Patience);
        Assert.Equal(5, gate.OutstandingFrames);
    }

    [Fact]
    public async Task Too_many_bytes_close_it_until_half_of_them_are_executed()
    {
        var gate = new IntakeGate(maxBytes: 1000, maxFrames: 10, new SharedIntake(0, 0, 0));
        gate.Enter(1000, 2);
        Task waiting = gate.WaitAsync().AsTask();
        gate.Leave(400, 1);
        Assert.False(waiting.IsCompleted);
        gate.Leave(600, 1);
        await waiting.WaitAsync(Eventually.Patience);
    }

    [Fact]
    public async Task Full_output_closes_it()
    {
        var gate = new IntakeGate(100, 10, new SharedIntake(0, 0, 0));
        gate.SetOutputFull(true);
        Task waiting = gate.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        gate.SetOutputFull(false);
        await waiting.WaitAsync(Eventually.Patience);
    }

    [Fact]
    public async Task Stopping_opens_it_for_good()
    {
        var gate = new IntakeGate(100, 10, new SharedIntake(0, 0, 0));
        gate.Enter(100, 1);
        Task waiting = gate.WaitAsync().AsTask();
        gate.Stop();
        await waiting.WaitAsync(Eventually.Patience);
        Assert.True(gate.WaitAsync().AsTask().IsCompletedSuccessfully);
    }

    [Fact]
    public async Task It_can_be_used_again_and_again()
    {
        var gate = new IntakeGate(100, 10, new SharedIntake(0, 0, 0));
        for (int i = 0; i < 100; i++)
        {
            gate.Enter(100, 1);
            Task waiting = gate.WaitAsync().AsTask();
            gate.Leave(100, 1);
            await waiting.WaitAsync(Eventually.Patience);
        }
    }

    [Fact]
    public void Room_follows_the_size_of_replies()
    {
        var gate = new IntakeGate(maxBytes: 1000, maxFrames: 4096, new SharedIntake(0, 0, 0));
        Assert.Equal(16, gate.Room);
        for (int turn = 0; turn < 30; turn++)
        {
            gate.NoteReplies(1000, 10);
        }

        Assert.Equal(4096, gate.Room);
        gate.NoteReplies(1024 * 1024, 1);
        Assert.Equal(16, gate.Room);
        gate.NoteReplies(64 * 1024 * 1024, 1);
        Assert.Equal(1, gate.Room);
    }

    [Fact]
    public void Room_is_what_is_not_taken()
    {
        var gate = new IntakeGate(maxBytes: 1000, maxFrames: 10, new SharedIntake(0, 0, 0));
        gate.Enter(30, 3);
        Assert.Equal(7, gate.Room);
        gate.Enter(30, 7);
        Assert.Equal(1, gate.Room);
    }

    [Fact]
    public void More_cannot_leave_than_entered()
    {
        var gate = new IntakeGate(100, 10, new SharedIntake(0, 0, 0));
        gate.Enter(5, 1);
        Assert.Throws<InvariantException>(() => gate.Leave(6, 1));
    }
}
