namespace LoopbackS3;

internal sealed record NoFault : Fault;

internal sealed record ResetAfter(long Bytes) : Fault
{
    internal override Task<bool> BeforeBodyAsync(Exchange exchange) => Bytes <= 0 ? Reset(exchange) : GoOn;

    internal override int ReadAtMost(long soFar) => (int)Math.Min(Bytes - soFar, int.MaxValue);

    internal override Task<bool> AfterReadAsync(Exchange exchange, int count, long soFar) =>
        soFar >= Bytes ? Reset(exchange) : GoOn;

    internal override Task<bool> AfterBodyAsync(Exchange exchange) => Reset(exchange);

    private static Task<bool> Reset(Exchange exchange)
    {
        exchange.Reset();
        return Over;
    }
}

internal sealed record NoReply(bool Store, bool Reset) : Fault
{
    internal override Task<bool> AfterBodyAsync(Exchange exchange) => Store ? GoOn : End(exchange);

    internal override Task<bool> AfterStoreAsync(Exchange exchange, Headers reply) => End(exchange);

    private Task<bool> End(Exchange exchange)
    {
        if (Reset)
            exchange.Reset();
        else
            exchange.Close();
        return Over;
    }
}

internal sealed record Silent(bool AfterBody) : Fault
{
    internal override Task<bool> BeforeBodyAsync(Exchange exchange) =>
        AfterBody ? GoOn : OverAfter(exchange.WaitForTheEndAsync());

    internal override Task<bool> AfterBodyAsync(Exchange exchange) =>
        OverAfter(exchange.WaitForTheEndAsync());
}

internal sealed record SlowReader(int BytesPerSecond) : Fault
{
    internal override int ReadAtMost(long soFar) => Pace.Step(BytesPerSecond);

    internal override async Task<bool> AfterReadAsync(Exchange exchange, int count, long soFar)
    {
        await Task.Delay(Pace.Of(count, BytesPerSecond), exchange.Ended);
        return false;
    }
}

/// <summary>Kestrel sends a head in one piece, so a slow one is written past it, onto the socket.</summary>
internal sealed record Trickle(int BytesPerSecond) : Fault
{
    internal override async Task<bool> AfterStoreAsync(Exchange exchange, Headers reply)
    {
        foreach (var piece in exchange.Head(exchange.Dialect.Success, reply).Chunk(Pace.Step(BytesPerSecond)))
        {
            await exchange.SendRawAsync(piece);
            await Task.Delay(Pace.Of(piece.Length, BytesPerSecond), exchange.Ended);
        }
        exchange.Close();
        return true;
    }
}

internal sealed record EarlyReply(bool Store) : Fault
{
    internal override async Task<bool> BeforeBodyAsync(Exchange exchange)
    {
        if (Store)
        {
            await exchange.ReplyAsync(200);
            return false;
        }
        await exchange.SendRawAsync(exchange.Head(200, []));
        exchange.Close();
        return true;
    }

    internal override Task<bool> AfterStoreAsync(Exchange exchange, Headers reply) => Over;
}

internal sealed record RawBytes(byte[] Bytes) : Fault
{
    internal override async Task<bool> AfterBodyAsync(Exchange exchange)
    {
        await exchange.SendRawAsync(Bytes);
        exchange.Close();
        return true;
    }
}

/// <summary>Steps of a twentieth of a second: smooth enough to tell a slow peer from a stalled one.</summary>
internal static class Pace
{
    public static int Step(int bytesPerSecond) => Math.Max(1, bytesPerSecond / 20);

    public static TimeSpan Of(int bytes, int bytesPerSecond) =>
        TimeSpan.FromSeconds((double)bytes / Math.Max(1, bytesPerSecond));
}
