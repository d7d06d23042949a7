"""What usually listens on a port of a developer's machine: the table, one row a use.

Input: nothing. Output: ``PORT_USES``, in the order of the numbers; a port with several uses has several
rows, the most usual first. A row is a habit, not a proof: any program may listen on any port.

Source: the defaults in each project's own documentation, and the IANA service name registry for the
classic services.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["PORT_TAGS", "PORT_USES", "PortUse"]


class PortUse(NamedTuple):
    """One program that listens on ``port`` unless told otherwise."""

    port: int
    name: str
    what: str
    tags: tuple[str, ...]
    """Some of ``PORT_TAGS``."""
    signature: str = ""
    """How its answers begin to name it: a product in HTTP's Server header."""


PORT_TAGS: frozenset[str] = frozenset(
    {
        "broker",
        "container",
        "context",
        "control-plane",
        "database",
        "debug",
        "llm",
        "mail",
        "proxy",
        "remote",
        "system",
        "web",
    }
)
"""Every tag a row may carry. ``context`` is vector stores and MCP servers; ``control-plane`` includes
agents, sidecars, admin and debug endpoints."""

_WEB = ("web",)
_LLM = ("llm",)
_CONTEXT = ("context",)
_CONTROL = ("control-plane",)
_DEBUG = ("control-plane", "debug")
_PROXY = ("proxy",)
_DATABASE = ("database",)
_BROKER = ("broker",)
_CONTAINER = ("control-plane", "container")
_SYSTEM = ("system",)
_MAIL = ("mail",)
_REMOTE = ("remote",)

PORT_USES: tuple[PortUse, ...] = (
    PortUse(21, "FTP", "file transfer, control connection", _REMOTE),
    PortUse(22, "SSH", "remote shell; greets with SSH-2.0-", _REMOTE),
    PortUse(23, "Telnet", "remote terminal without encryption", _REMOTE),
    PortUse(25, "SMTP", "mail between servers; greets with 220", _MAIL),
    PortUse(53, "DNS", "name server, or a local resolver such as systemd-resolved on 127.0.0.53", _SYSTEM),
    PortUse(80, "HTTP", "web server, plain text", _WEB),
    PortUse(88, "Kerberos", "key distribution centre", _SYSTEM),
    PortUse(111, "rpcbind", "portmapper of ONC RPC and NFS", _SYSTEM),
    PortUse(135, "RPC endpoint mapper", "Windows service", _SYSTEM),
    PortUse(139, "NetBIOS session", "Windows file sharing, old form", _SYSTEM),
    PortUse(143, "IMAP", "mailbox access", _MAIL),
    PortUse(389, "LDAP", "directory server", _DATABASE),
    PortUse(443, "HTTPS", "web server over TLS", _WEB),
    PortUse(445, "SMB", "Windows file sharing; held by the system", _SYSTEM),
    PortUse(548, "AFP", "Apple file sharing", _SYSTEM),
    PortUse(587, "SMTP submission", "mail from clients", _MAIL),
    PortUse(631, "IPP", "CUPS printing", _SYSTEM),
    PortUse(993, "IMAPS", "mailbox access over TLS", _MAIL),
    PortUse(1025, "MailHog, Mailpit", "mail catcher for tests, SMTP side", _MAIL),
    PortUse(1080, "SOCKS", "SOCKS proxy, such as ssh -D", _PROXY),
    PortUse(1086, "Shadowsocks", "SOCKS proxy of ShadowsocksX-NG", _PROXY),
    PortUse(1087, "Shadowsocks", "HTTP proxy of ShadowsocksX-NG", _PROXY),
    PortUse(1234, "LM Studio", "local model server with an OpenAI-like API", _LLM),
    PortUse(1313, "Hugo", "static site server for development", _WEB),
    PortUse(1337, "Strapi, Jan", "content server, or the local model server of Jan", (*_WEB, *_LLM)),
    PortUse(1433, "SQL Server", "Microsoft SQL Server", _DATABASE),
    PortUse(1521, "Oracle", "Oracle database listener", _DATABASE),
    PortUse(1883, "MQTT", "Mosquitto and other MQTT brokers, plain text", _BROKER),
    PortUse(2019, "Caddy admin", "Caddy's configuration endpoint", _CONTROL),
    PortUse(2049, "NFS", "network file system", _SYSTEM),
    PortUse(2181, "ZooKeeper", "coordination for Kafka and others", _BROKER),
    PortUse(2375, "Docker API", "Docker engine without TLS", _CONTAINER),
    PortUse(2376, "Docker API over TLS", "Docker engine with client certificates", _CONTAINER),
    PortUse(2379, "etcd", "key-value store of Kubernetes, client side", _CONTROL),
    PortUse(2380, "etcd peers", "key-value store of Kubernetes, between members", _CONTROL),
    PortUse(3000, "Node development servers", "Express, Next.js, Create React App, Rails", _WEB),
    PortUse(3000, "Grafana, Open WebUI", "dashboards and chat front ends", _WEB),
    PortUse(3001, "Node development servers", "the next port when 3000 is taken", _WEB),
    PortUse(3100, "Loki", "log store", _DATABASE),
    PortUse(3128, "Squid", "HTTP proxy", _PROXY),
    PortUse(3129, "Squid", "HTTP proxy, a second port", _PROXY),
    PortUse(3306, "MySQL, MariaDB", "database; the server speaks first", _DATABASE),
    PortUse(3389, "RDP", "Windows remote desktop", _REMOTE),
    PortUse(4000, "Phoenix, Jekyll", "web development servers", _WEB),
    PortUse(4000, "LiteLLM", "gateway in front of model servers", _LLM),
    PortUse(4040, "ngrok, Spark", "inspection page of a tunnel or a Spark driver", _CONTROL),
    PortUse(4173, "Vite preview", "preview of a built front end", _WEB),
    PortUse(4200, "Angular", "Angular development server", _WEB),
    PortUse(4222, "NATS", "message broker", _BROKER),
    PortUse(4317, "OpenTelemetry gRPC", "collector, OTLP over gRPC", _CONTROL),
    PortUse(4318, "OpenTelemetry HTTP", "collector, OTLP over HTTP", _CONTROL),
    PortUse(4321, "Astro", "Astro development server", _WEB),
    PortUse(4444, "Selenium", "WebDriver hub", _CONTROL),
    PortUse(5000, "Flask, ASP.NET", "web development servers", _WEB),
    PortUse(
        5000,
        "AirPlay receiver",
        "macOS Control Center takes it since macOS 12; answers 403",
        _SYSTEM,
        signature="AirTunes",
    ),
    PortUse(5000, "Docker registry", "container image registry", ("container",)),
    PortUse(5001, "ASP.NET over TLS, IPFS", "web development server, or the IPFS API", _WEB),
    PortUse(5001, "KoboldCpp", "local model server", _LLM),
    PortUse(5005, "JDWP", "Java debugger", _DEBUG),
    PortUse(5044, "Logstash", "Beats input", _BROKER),
    PortUse(5173, "Vite", "front end development server; listens on localhost only", _WEB),
    PortUse(5174, "Vite", "the next port when 5173 is taken", _WEB),
    PortUse(5353, "mDNS", "Bonjour and Avahi, UDP only", _SYSTEM),
    PortUse(5432, "PostgreSQL", "database", _DATABASE),
    PortUse(5500, "Live Server", "VS Code's Live Server extension", _WEB),
    PortUse(5555, "adb", "Android debug bridge over TCP", _DEBUG),
    PortUse(5601, "Kibana", "dashboards for Elasticsearch", _WEB),
    PortUse(5672, "RabbitMQ", "AMQP broker", _BROKER),
    PortUse(5678, "debugpy", "Python debugger", _DEBUG),
    PortUse(5678, "n8n", "workflow automation", _WEB),
    PortUse(5900, "VNC", "screen sharing", _REMOTE),
    PortUse(5984, "CouchDB", "document database over HTTP", _DATABASE),
    PortUse(6000, "X11", "display server; browsers refuse this port", _SYSTEM),
    PortUse(6006, "TensorBoard, Storybook", "training charts or component catalogue", _WEB),
    PortUse(6152, "Surge", "HTTP proxy", _PROXY),
    PortUse(6153, "Surge", "SOCKS proxy", _PROXY),
    PortUse(6274, "MCP Inspector", "page of the Model Context Protocol inspector", _CONTEXT),
    PortUse(6277, "MCP Inspector proxy", "proxy of the Model Context Protocol inspector", _CONTEXT),
    PortUse(6333, "Qdrant", "vector store, HTTP", _CONTEXT),
    PortUse(6334, "Qdrant gRPC", "vector store, gRPC", _CONTEXT),
    PortUse(6379, "Redis, Valkey", "key-value store", _DATABASE),
    PortUse(6443, "Kubernetes API", "API server over TLS", _CONTAINER),
    PortUse(6650, "Pulsar", "message broker", _BROKER),
    PortUse(
        7000,
        "AirPlay receiver",
        "macOS Control Center takes it since macOS 12",
        _SYSTEM,
        signature="AirTunes",
    ),
    PortUse(7000, "Cassandra", "database, between nodes", _DATABASE),
    PortUse(7077, "Spark master", "cluster manager", _CONTROL),
    PortUse(7474, "Neo4j browser", "graph database over HTTP", _DATABASE),
    PortUse(7687, "Neo4j Bolt", "graph database", _DATABASE),
    PortUse(7860, "Gradio", "model demos and Stable Diffusion web interfaces", _LLM),
    PortUse(7890, "Clash", "HTTP and SOCKS proxy", _PROXY),
    PortUse(7891, "Clash", "SOCKS proxy", _PROXY),
    PortUse(7897, "Clash Verge", "HTTP and SOCKS proxy", _PROXY),
    PortUse(8000, "Django, Uvicorn, http.server", "Python development servers", _WEB),
    PortUse(8000, "vLLM", "model server with an OpenAI-like API", _LLM),
    PortUse(8000, "Chroma", "vector store", _CONTEXT),
    PortUse(8000, "Triton HTTP", "NVIDIA inference server", _LLM),
    PortUse(8001, "kubectl proxy", "access to the Kubernetes API", _CONTAINER),
    PortUse(
        8001, "Kong admin, Triton gRPC", "gateway administration, or inference over gRPC", (*_CONTROL, *_LLM)
    ),
    PortUse(8069, "Odoo", "business application", _WEB),
    PortUse(8080, "Tomcat, Spring Boot, Jenkins", "Java web servers and many others", _WEB),
    PortUse(8080, "HTTP proxy", "proxies such as mitmproxy and Burp", _PROXY),
    PortUse(8080, "llama.cpp server", "local model server", _LLM),
    PortUse(8080, "Weaviate", "vector store", _CONTEXT),
    PortUse(8080, "Kubernetes API", "where kubectl asks when it finds no kubeconfig", _CONTAINER),
    PortUse(8081, "Metro, Nexus", "React Native bundler, artefact store, second web server", _WEB),
    PortUse(8086, "InfluxDB", "time series database", _DATABASE),
    PortUse(8088, "Superset, YARN", "dashboards, or Hadoop's resource manager", _WEB),
    PortUse(8118, "Privoxy", "filtering HTTP proxy", _PROXY),
    PortUse(8123, "ClickHouse, Home Assistant", "column database over HTTP, or home automation", _DATABASE),
    PortUse(8161, "ActiveMQ console", "administration page of the broker", _BROKER),
    PortUse(8188, "ComfyUI", "image generation server", _LLM),
    PortUse(8200, "Vault", "secret store", _CONTROL),
    PortUse(8265, "Ray dashboard", "cluster administration", _CONTROL),
    PortUse(8443, "HTTPS, alternate", "web servers over TLS without privilege", _WEB),
    PortUse(8500, "Consul", "agent's HTTP API", _CONTROL),
    PortUse(8501, "Streamlit, TensorFlow Serving", "data apps, or a model server over HTTP", (*_WEB, *_LLM)),
    PortUse(8545, "Ethereum JSON-RPC", "local chain such as Hardhat or Anvil", _WEB),
    PortUse(8787, "RStudio, wrangler", "R workbench or Cloudflare's local worker", _WEB),
    PortUse(8834, "Nessus", "scanner administration", _CONTROL),
    PortUse(8888, "Jupyter", "notebooks", _WEB),
    PortUse(8888, "HTTP proxy", "tinyproxy, Charles and Fiddler", _PROXY),
    PortUse(8983, "Solr", "search server", _DATABASE),
    PortUse(9000, "PHP-FPM, MinIO, SonarQube", "FastCGI, object store or code analysis", _WEB),
    PortUse(9001, "Supervisor, MinIO console", "process control or object store administration", _CONTROL),
    PortUse(9003, "Xdebug", "PHP debugger; the editor listens and PHP connects", _DEBUG),
    PortUse(9042, "Cassandra", "database, CQL clients", _DATABASE),
    PortUse(9050, "Tor", "SOCKS proxy of the Tor daemon", _PROXY),
    PortUse(9090, "Prometheus, Cockpit", "metrics store or server administration", _CONTROL),
    PortUse(9091, "Milvus metrics", "health and metrics of the vector store", _CONTEXT),
    PortUse(9092, "Kafka", "message broker", _BROKER),
    PortUse(9093, "Alertmanager", "alert routing for Prometheus", _CONTROL),
    PortUse(9100, "node_exporter", "host metrics", _CONTROL),
    PortUse(9150, "Tor Browser", "SOCKS proxy of the Tor Browser", _PROXY),
    PortUse(9200, "Elasticsearch, OpenSearch", "search server over HTTP", _DATABASE),
    PortUse(9222, "Chrome DevTools", "browser remote debugging", _DEBUG),
    PortUse(9229, "Node inspector", "Node.js debugger", _DEBUG),
    PortUse(9300, "Elasticsearch transport", "search server, between nodes", _DATABASE),
    PortUse(9411, "Zipkin", "trace store", _CONTROL),
    PortUse(9901, "Envoy admin", "administration endpoint of the proxy", _CONTROL),
    PortUse(10248, "kubelet health", "health endpoint, loopback only", _CONTAINER),
    PortUse(10250, "kubelet", "node agent's API over TLS", _CONTAINER),
    PortUse(10256, "kube-proxy health", "health endpoint", _CONTAINER),
    PortUse(10808, "v2ray", "SOCKS proxy", _PROXY),
    PortUse(10809, "v2ray", "HTTP proxy", _PROXY),
    PortUse(11211, "memcached", "cache", _DATABASE),
    PortUse(11434, "Ollama", "local model server; listens on 127.0.0.1", _LLM),
    PortUse(15000, "Istio sidecar admin", "Envoy's administration endpoint in an Istio pod", _CONTROL),
    PortUse(15001, "Istio outbound", "Envoy's listener for outgoing traffic", _CONTROL),
    PortUse(15006, "Istio inbound", "Envoy's listener for incoming traffic", _CONTROL),
    PortUse(15010, "istiod xDS", "control plane, plain text", _CONTROL),
    PortUse(15012, "istiod xDS over TLS", "control plane", _CONTROL),
    PortUse(15020, "Istio metrics", "merged metrics of the sidecar", _CONTROL),
    PortUse(15021, "Istio health", "readiness of the sidecar", _CONTROL),
    PortUse(15672, "RabbitMQ management", "administration page of the broker", _BROKER),
    PortUse(16686, "Jaeger", "trace viewer", _CONTROL),
    PortUse(19000, "Expo", "React Native development server", _WEB),
    PortUse(19530, "Milvus", "vector store, gRPC", _CONTEXT),
    PortUse(25565, "Minecraft", "game server", _WEB),
    PortUse(26257, "CockroachDB", "database", _DATABASE),
    PortUse(27017, "MongoDB", "document database", _DATABASE),
    PortUse(
        30000, "SGLang, Kubernetes NodePort", "model server, or the first NodePort", (*_LLM, "container")
    ),
    PortUse(50051, "gRPC", "the port of most gRPC examples", _WEB),
    PortUse(50070, "HDFS", "Hadoop name node page", _DATABASE),
    PortUse(51820, "WireGuard", "VPN, UDP only", _SYSTEM),
    PortUse(54321, "Supabase, H2O", "local Supabase API, or a machine learning server", _DATABASE),
    PortUse(61616, "ActiveMQ", "message broker", _BROKER),
)
