// A web application whose configuration is in znodes and changes while it runs:
//
//     ./coord up
//     dotnet run --project samples/LiveConfiguration -- --urls http://127.0.0.1:5080
//     curl http://127.0.0.1:5080/          hello
//
// Create or change the znode /samples/config/Greeting with any client, and ask again. The application also starts when
// no server is in reach, with the values it saw last.
using Orleans.Coord.Client.Hosting;

WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
// snippet: hosting
string servers = builder.Configuration["Coord:ConnectionString"] ?? "127.0.0.1:2181";
builder.Configuration.AddCoord(
    servers, "/samples/config", cacheFile: Path.Combine(Path.GetTempPath(), "live-configuration.json"));
builder.Services.AddCoordClient(builder.Configuration.GetSection("Coord"));
builder.Services.AddHealthChecks().AddCheck<CoordHealthCheck>("coord");
// end snippet

WebApplication app = builder.Build();
app.MapGet("/", (IConfiguration configuration) => configuration["Greeting"] ?? "hello");
app.MapHealthChecks("/health");
app.Run();
