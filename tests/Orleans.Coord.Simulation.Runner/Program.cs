return Options.TryParse(args, out Options? options, out string? complaint)
    ? Runner.Run(options)
    : Options.Refuse(complaint);
